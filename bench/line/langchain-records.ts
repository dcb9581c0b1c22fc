/** A record manager in memory for LangChain's `index()`: what it brings itself needs a database. */
import type { RecordManagerInterface } from '@langchain/core/indexing';

export function createRecordManager(): RecordManagerInterface {
  const records = new Map<string, { group: string | null; at: number }>();
  return {
    createSchema: async () => undefined,
    getTime: async () => Date.now(),
    async update(keys, { groupIds } = {}) {
      const at = Date.now();
      for (const [place, key] of keys.entries()) records.set(key, { group: groupIds?.[place] ?? null, at });
    },
    exists: async (keys) => keys.map((key) => records.has(key)),
    async listKeys({ before = Number.POSITIVE_INFINITY, groupIds, limit }) {
      const groups = new Set(groupIds);
      const found = [...records].filter(([, { group, at }]) => at < before && (!groupIds || groups.has(group)));
      return found.slice(0, limit).map(([key]) => key);
    },
    async deleteKeys(keys) {
      for (const key of keys) records.delete(key);
    },
  };
}
