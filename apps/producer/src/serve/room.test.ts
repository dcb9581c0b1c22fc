import { expect, test } from 'vitest';
import { createRoom } from './room.ts';

const busy = (retryAfterMs: number) => expect.objectContaining({ code: 'service_busy', retryAfterMs });

test('a full room refuses until somebody leaves, and says how long those inside stay', () => {
  let now = 0;
  const room = createRoom(2, { monotonicMs: () => now });
  for (let i = 0; i < 200; i += 1) {
    const visit = room.enter();
    now += 3_000;
    visit.leave();
  }
  const first = room.enter();
  room.enter();
  expect(() => room.enter()).toThrow(busy(3_000));
  first.leave();
  first.leave();
  room.enter();
  expect(() => room.enter()).toThrow(busy(2_850));
});

test('one caller has half of the room at most, and has it again when it left', () => {
  const room = createRoom(4);
  const visitOf = (caller: string) => {
    const visit = room.enter();
    try {
      visit.belongsTo(caller);
    } catch (error) {
      visit.leave();
      throw error;
    }
    return visit;
  };
  const first = visitOf('flood');
  visitOf('flood');
  expect(() => visitOf('flood')).toThrow(expect.objectContaining({ code: 'service_busy' }));
  visitOf('other');
  first.leave();
  visitOf('flood');
});

test('bytes are bounded too, half of them for one caller, and free when their visit leaves', () => {
  const room = createRoom(10, { mostBytes: 100 });
  const busyNow = expect.objectContaining({ code: 'service_busy' });
  const one = room.enter();
  one.hold(30);
  one.belongsTo('flood');
  const two = room.enter();
  two.belongsTo('flood');
  two.hold(20);
  expect(() => two.hold(1)).toThrow(busyNow);
  two.leave();
  const other = room.enter();
  other.belongsTo('other');
  other.hold(50);
  const last = room.enter();
  last.hold(20);
  expect(() => last.hold(1)).toThrow(busyNow);
  last.leave();
  one.leave();
  const again = room.enter();
  again.belongsTo('flood');
  again.hold(50);
});
