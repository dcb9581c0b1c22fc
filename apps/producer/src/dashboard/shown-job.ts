/**
 * What the board shows of a job: named fields and no others, because a queue may hold what anybody wrote. Text, title,
 * metadata and headings of a document are counted, never shown, unless the setting says so.
 */

/** Fields whose values say which chunk it is and nothing of what is in it. */
const SHOWN = [
  'documentId',
  'id',
  'tenant',
  'ordinal',
  'chunkCount',
  'tokens',
  'revision',
  'collection',
  'run',
  'generation',
  'start',
  'end',
  'format',
  'priority',
  'key',
  'epoch',
  'v',
] as const;
/** As long as an id may be. */
const VALUE_CHARACTERS = 512;

export interface ShownAs {
  collection: string;
  text: boolean;
}

export function shownData(data: unknown, { collection, text }: ShownAs): Record<string, unknown> {
  if (typeof data !== 'object' || data === null) return { hidden: 'this job has no fields' };
  const given: Record<string, unknown> = { ...data, collection };
  if (text) return given;
  const shown = Object.fromEntries(
    SHOWN.flatMap((name) => {
      const value = name === 'tokens' ? tokensOf(given.tokens) : plain(given[name]);
      return value === undefined ? [] : [[name, value]];
    }),
  );
  const characters = [given.text, given.context].reduce<number>(
    (sum, part) => sum + (typeof part === 'string' ? part.length : 0),
    0,
  );
  return { ...shown, text: `(${characters} characters, not shown)` };
}

/** `docs/guide.md · 3 of 12`, for the list. */
export function shownName(data: unknown): string {
  const { documentId, id, ordinal, chunkCount } = (data ?? {}) as Record<string, unknown>;
  const name = plain(documentId) ?? plain(id);
  if (name === undefined) return 'a job without a document';
  return typeof ordinal === 'number' ? `${name} · ${ordinal + 1} of ${Number(chunkCount)}` : String(name);
}

/** The page of the document that a job belongs to. */
export function documentLink(data: unknown): string | undefined {
  const { documentId, id, tenant } = (data ?? {}) as Record<string, unknown>;
  const name = documentId ?? id;
  if (typeof name !== 'string') return undefined;
  const query = new URLSearchParams({ id: name, ...(typeof tenant === 'string' && { tenant }) });
  return `/document?${query}`;
}

function plain(value: unknown): string | number | undefined {
  if (typeof value === 'number') return value;
  return typeof value === 'string' ? value.slice(0, VALUE_CHARACTERS) : undefined;
}

function tokensOf(tokens: unknown): number | undefined {
  if (typeof tokens !== 'object' || tokens === null) return undefined;
  const counts = Object.values(tokens).filter((count): count is number => typeof count === 'number');
  return counts.reduce((sum, count) => sum + count, 0);
}
