/**
 * Gathers single calls into groups: the first call opens a group, which goes out when it is full or `lingerMs` after it was
 * opened. One group call answers every caller, in order; if it throws, every caller of that group gets the error.
 */
export function createGrouper<T, R>(
  handle: (items: T[]) => Promise<R[]>,
  { maxItems, lingerMs }: { maxItems: number; lingerMs: number },
): (item: T) => Promise<R> {
  interface Entry {
    item: T;
    resolve: (result: R) => void;
    reject: (error: unknown) => void;
  }
  let open: Entry[] = [];
  let timer: NodeJS.Timeout | undefined;

  const flush = (): void => {
    clearTimeout(timer);
    timer = undefined;
    const group = open;
    open = [];
    if (group.length === 0) return;
    handle(group.map((entry) => entry.item)).then(
      (results) => {
        for (const [index, entry] of group.entries()) entry.resolve(results[index]!);
      },
      (error: unknown) => {
        for (const entry of group) entry.reject(error);
      },
    );
  };

  return (item) =>
    new Promise<R>((resolve, reject) => {
      open.push({ item, resolve, reject });
      if (open.length >= maxItems) flush();
      else timer ??= setTimeout(flush, lingerMs);
    });
}
