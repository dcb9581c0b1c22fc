/**
 * The OpenAI embeddings route, as vLLM, Infinity, TEI, llama.cpp and most others offer it. No `dimensions`: vLLM answers 400
 * to it, Infinity cuts without normalising; Sluice cuts by itself. No `task`: all of them ignore it with 200.
 */
import { readDataList } from './data-list.ts';
import type { Protocol } from './protocol.ts';

export const openaiProtocol: Protocol = {
  body: ({ texts, role, servedModel, profile }) =>
    JSON.stringify({
      model: servedModel,
      encoding_format: profile.base64 ? 'base64' : 'float',
      ...(profile.roleField !== undefined && role !== 'none' && { [profile.roleField]: role }),
      input: texts,
    }),
  read: readDataList,
};
