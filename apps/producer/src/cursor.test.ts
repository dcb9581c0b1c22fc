import { expect, test } from 'vitest';
import { createCursor } from './cursor.ts';

test('the cursor never passes a group that is under way', () => {
  const cursor = createCursor();
  const [first, second, third] = [cursor.leave(128, 'a'), cursor.leave(100, 'b'), cursor.leave(7, 'c')];
  expect(cursor.current).toBeUndefined();
  second();
  expect(cursor.current).toBeUndefined();
  first();
  expect(cursor.current).toEqual({ documents: 228, where: 'b' });
  third();
  expect(cursor.current).toEqual({ documents: 235, where: 'c' });
});
