/** The hash engine as a process that can be killed. Argument: JSON of port, delays, poison. Tells its parent what it is about to embed. */
import { startEngineServer } from './engine-server.ts';
import { textHash } from './token-figures.ts';

export interface EngineProcessOptions {
  port: number;
  minDelayMs: number;
  maxDelayMs: number;
  /** Requests with a text that contains it get 400. */
  poison: string;
}

export type EngineMessage = { type: 'ready'; port: number } | { type: 'embed'; texts: string[] };

const { port, minDelayMs, maxDelayMs, poison } = JSON.parse(process.argv[2]!) as EngineProcessOptions;
const tell = (message: EngineMessage) => process.send?.(message);
const server = await startEngineServer({
  port,
  delayMs: () => minDelayMs + Math.random() * (maxDelayMs - minDelayMs),
  script: ({ texts }) =>
    texts.some((text) => text.includes(poison)) ? { status: 400, body: { error: { code: 'bad_input' } } } : undefined,
  onEmbed: (texts) => tell({ type: 'embed', texts: texts.map(textHash) }),
});
tell({ type: 'ready', port: server.port });
process.once('disconnect', () => process.exit());
if (!process.connected) process.exit(); // its parent ended while it was loading
