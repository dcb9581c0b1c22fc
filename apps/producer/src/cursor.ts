/**
 * How far a run has come: everything up to the cursor is accepted, unchanged or rejected. Groups end in any order, so the cursor
 * stands at the end of the longest row of groups, from the first one on, that have ended.
 */
export interface Cursor {
  /** Documents up to here. */
  documents: number;
  /** File, or line of it, of the last of them. */
  where: string;
}

export interface CursorKeeper {
  /** A group leaves; returns how to say that it has ended. */
  leave(documents: number, where: string): () => void;
  readonly current: Cursor | undefined;
}

export function createCursor(): CursorKeeper {
  const under: { documents: number; where: string; ended: boolean }[] = [];
  let current: Cursor | undefined;
  return {
    leave(documents, where) {
      const group = { documents, where, ended: false };
      under.push(group);
      return () => {
        group.ended = true;
        for (let first = under[0]; first?.ended === true; first = under[0]) {
          under.shift();
          current = { documents: (current?.documents ?? 0) + first.documents, where: first.where };
        }
      };
    },
    get current() {
      return current;
    },
  };
}
