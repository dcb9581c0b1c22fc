/** The steps that a schedule is made of, and how a random one is drawn. */
import fc from 'fast-check';

/** With weights. Small steps for every crash there can be, and whole ones that bring documents far enough for a crash to matter. */
const kinds = [
  ['hand in', 6],
  ['enqueue', 6],
  ['commit', 5],
  ['hand in, enqueue, commit', 10],
  ['producer dies', 2],
  ['reserve', 2],
  ['service dies', 0.6],
  ['delete', 2],
  ['take', 10],
  ['step', 16],
  ['work off', 8],
  ['work off, one dies', 4],
  ['lock lost', 3],
  ['worker dies', 2],
  ['late write', 2],
  ['chunk dies', 4],
  ['take settling', 6],
  ['take cleaning', 3],
  ['delete rows', 8],
  ['report deleted', 5],
  ['settle', 3],
  ['retry', 3],
  ['retry, then die', 1],
  ['drop', 2],
  ['seconds pass', 2],
  ['minutes pass', 1],
  ['abandon', 1],
  ['sweep', 2],
  ['redis is lost', 0.4],
  ['reconcile', 4],
] as const;

type Kind = (typeof kinds)[number][0];
export interface Step {
  kind: Kind;
  a: number;
  b: number;
}

export const steps: fc.Arbitrary<Step[]> = fc.array(
  fc.record({
    kind: fc.oneof(
      ...kinds.map(([kind, weight]) => ({ weight: Math.round(weight * 5), arbitrary: fc.constant<Kind>(kind) })),
    ),
    a: fc.nat(5),
    b: fc.nat(5),
  }),
  { minLength: 5, maxLength: 80, size: 'max' },
);
