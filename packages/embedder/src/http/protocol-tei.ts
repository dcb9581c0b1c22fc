/** TEI's own route: the one on which `truncate: false` is honoured. Vectors come as plain arrays, in order. */
import { type Protocol, ReplyShapeError } from './protocol.ts';

export const teiProtocol: Protocol = {
  body: ({ texts }) => JSON.stringify({ inputs: texts, truncate: false, normalize: true }),
  read({ value: reply }, rows) {
    if (!Array.isArray(reply)) throw new ReplyShapeError('an array of vectors', 'another shape');
    if (reply.length !== rows) throw new ReplyShapeError(`${rows} embeddings`, String(reply.length));
    return { embeddings: reply };
  },
};
