/** The setting or flag that mends a mistake: the one of the engine for queries, where it is queries that are wrong. */
import { type ErrorCode, errorCodes } from '@sluice/core';
import type { Role } from '../engine.ts';

const forQueries: Partial<Record<ErrorCode, string>> = {
  task_ignored:
    'Name an engine in SLUICE_QUERY_ENGINE_URL that takes a task, or one that serves a checkpoint with the query adapter merged.',
  wrong_adapter:
    'Serve the query adapter (SLUICE_QUERY_ENGINE_URL): merged into the checkpoint, as merge-adapter --task retrieval.query does, or chosen by the task.',
  prefix_missing:
    'Choose the profile whose client adds the instruction of queries (SLUICE_QUERY_ENGINE), or let the engine add it.',
  prefix_doubled:
    "Take the default prompt off the engine's command line, or choose the profile whose engine adds that of queries (SLUICE_QUERY_ENGINE).",
};

export function fixFor(code: ErrorCode, role: Role = 'passage'): string {
  return (role === 'query' ? forQueries[code] : undefined) ?? errorCodes[code].fix;
}
