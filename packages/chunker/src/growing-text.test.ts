import fc from 'fast-check';
import { expect, it } from 'vitest';
import { GrowingText } from './growing-text.ts';

it('is the string that the same parts make, looked at after each', () => {
  const part = fc.oneof(
    fc.constantFrom('', ' ', '\n', '\u00a0', ' \u3000', 'a ', ' b', 'c\n', 'd'.repeat(1_024), `${'e'.repeat(1_023)} `),
    fc.constant('trim' as const),
  );
  fc.assert(
    fc.property(fc.array(part, { maxLength: 30 }), (parts) => {
      const text = new GrowingText();
      let plain = '';
      for (const each of parts) {
        if (each === 'trim') text.trimEnd();
        else text.add(each);
        plain = each === 'trim' ? plain.trimEnd() : plain + each;
        expect([text.empty, text.endsBlank]).toEqual([plain === '', /[ \n]$/.test(plain)]);
      }
      expect(text.take()).toBe(plain);
      expect(text.empty).toBe(true);
    }),
  );
});
