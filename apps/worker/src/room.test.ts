import fc from 'fast-check';
import { expect, test } from 'vitest';
import { createRoom } from './room.ts';

test('nobody is ever inside with the one who is alone, and everybody gets in', async () => {
  await fc.assert(
    fc.asyncProperty(fc.scheduler(), fc.array(fc.boolean(), { maxLength: 12 }), async (scheduler, visitors) => {
      const room = createRoom();
      let inside = 0;
      let alone = false;
      const stay = async (wantsAlone: boolean) => {
        expect(alone).toBe(false);
        if (wantsAlone) expect(inside).toBe(0);
        inside += 1;
        alone = wantsAlone;
        await scheduler.schedule(Promise.resolve());
        alone = false;
        inside -= 1;
      };
      const visits = visitors.map((wantsAlone) => (wantsAlone ? room.alone : room.together)(() => stay(wantsAlone)));
      await scheduler.waitFor(Promise.all(visits));
    }),
    { numRuns: 300 },
  );
});

test('whoever wants to be alone does not wait for those who come later, and a failure lets the next one in', async () => {
  const room = createRoom();
  const order: string[] = [];
  const [entered, first] = [Promise.withResolvers<void>(), Promise.withResolvers<void>()];
  const visits = [
    room.together(async () => {
      entered.resolve();
      await first.promise;
      order.push('first');
    }),
  ];
  await entered.promise;
  visits.push(
    room
      .alone(async () => {
        order.push('alone');
        throw new Error('died');
      })
      .catch(() => undefined),
    room.together(async () => void order.push('later')),
  );
  first.resolve();
  await Promise.all(visits);
  expect(order).toEqual(['first', 'alone', 'later']);
});
