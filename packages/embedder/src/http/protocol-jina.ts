/** The Jina API, as the hosted service and jina-on-prem speak it: the task travels with the request. */
import { readDataList } from './data-list.ts';
import type { Protocol } from './protocol.ts';

const TASKS = { passage: 'retrieval.passage', query: 'retrieval.query', none: undefined } as const;

export const jinaProtocol: Protocol = {
  body: ({ texts, role, task = TASKS[role], servedModel, fullDimension }) =>
    JSON.stringify({
      model: servedModel,
      ...(task !== undefined && { task }),
      // Every default that sources disagree on is sent: full width, unit length, and no silent cut.
      dimensions: fullDimension,
      normalized: true,
      truncate: false,
      embedding_type: 'base64',
      input: texts,
    }),
  read: readDataList,
};
