/**
 * Which documents this run has met, so that an id that comes twice is noticed. Memory is fixed: 64 bits of the key and 32 of
 * the content in two tables of 2^20 places, the older one forgotten when the newer one is half full. So an id is noticed
 * again within the next 524,288 documents at least; farther apart, the later text is simply a later revision.
 */
import type { DocumentKey } from '@sluice/core';

const PLACES = 1 << 20;
const FULL = PLACES / 2;

interface Table {
  high: Uint32Array;
  low: Uint32Array;
  content: Uint32Array;
  used: number;
}

type Meeting = 'first' | 'same' | 'different';

export interface SeenDocuments {
  /** `same`: met before with this content; `different`: met before with other content. */
  meet(key: DocumentKey, contentHash: string): Meeting;
}

export function createSeenDocuments(): SeenDocuments {
  let current = emptyTable();
  let former: Table | undefined;

  return {
    meet(key, contentHash) {
      const high = Number.parseInt(key.slice(1, 9), 16) || 1;
      const low = Number.parseInt(key.slice(9, 17), 16);
      const content = Buffer.from(contentHash.slice(0, 6), 'base64url').readUInt32BE();
      const known = find(current, high, low) ?? (former && find(former, high, low));
      if (known !== undefined) return known === content ? 'same' : 'different';
      if (current.used >= FULL) {
        former = current;
        current = emptyTable();
      }
      insert(current, high, low, content);
      return 'first';
    },
  };
}

function emptyTable(): Table {
  return { high: new Uint32Array(PLACES), low: new Uint32Array(PLACES), content: new Uint32Array(PLACES), used: 0 };
}

/** Linear probing; `high` is never 0 for a taken place. */
function place(table: Table, high: number, low: number): number {
  let at = (high ^ low) & (PLACES - 1);
  while (table.high[at] !== 0 && !(table.high[at] === high && table.low[at] === low)) at = (at + 1) & (PLACES - 1);
  return at;
}

function find(table: Table, high: number, low: number): number | undefined {
  const at = place(table, high, low);
  return table.high[at] === 0 ? undefined : table.content[at];
}

function insert(table: Table, high: number, low: number, content: number): void {
  const at = place(table, high, low);
  table.high[at] = high;
  table.low[at] = low;
  table.content[at] = content;
  table.used += 1;
}
