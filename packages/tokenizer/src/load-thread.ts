/** The thread of load.ts: builds a model from the file named in `workerData` and ends. */
import { parentPort, workerData } from 'node:worker_threads';
import { isSluiceError } from '@sluice/core/errors';
import { buildTokenizerModel, type LoadReply } from './load.ts';

let reply: LoadReply;
try {
  reply = { model: await buildTokenizerModel(workerData as string), refused: { message: '' } };
} catch (error) {
  if (!isSluiceError(error)) throw error;
  reply = { refused: { message: error.what, where: error.where } };
}
parentPort!.postMessage(reply);
