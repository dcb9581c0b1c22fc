/** The embedded servers, one worker and the service on loopback, for `sluice up` and `sluice demo`. */
import { type ChildProcess, spawn } from 'node:child_process';
import { createWriteStream, mkdirSync } from 'node:fs';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { type Config, createBackoff, type Logger, SluiceError, systemClock } from '@sluice/core';
import { readStack, type StackState, startStack } from '@sluice/embedded';
import { type Line, openLine, planSpace } from '@sluice/line';
import { startService } from '@sluice/producer/service';
import { startTelemetry } from '@sluice/telemetry';
import { nodeFlags } from '../bin/node-flags.mjs';
import { type Context, homeOf, loadSettings } from './context.ts';
import { mainModule, programsFolder } from './project.ts';
import { createWorkerWords, type WorkerWords } from './worker-words.ts';

export interface Running {
  context: Context;
  state: StackState | undefined;
  /** Where the live page, the board and the API are. */
  serviceUrl: string;
  workerLog: string;
  /** Resolves with what went wrong when a server cannot be kept running. */
  failed: Promise<SluiceError>;
}

/** Starts what is not set and not already running. Everything is pushed on the context's releaser. */
export async function bringUp(
  context: Context,
  { line, servicePort, onProgress }: { line: string; servicePort: number; onProgress(text: string): void },
): Promise<Running> {
  const { config, logger, releaser } = context;
  const home = homeOf(config);
  const failed = Promise.withResolvers<SluiceError>();
  let state = await readStack(home);
  if (state === undefined) {
    const needs = { queue: config.SLUICE_REDIS_URL === undefined, store: config.SLUICE_MILVUS_ADDRESS === undefined };
    if (needs.queue || needs.store) {
      const stack = await startStack({
        home,
        programs: programsFolder,
        needs,
        logger,
        onProgress,
        signal: context.signal,
      });
      releaser.push('the embedded servers', () => stack.stop());
      void stack.exited.then(({ what, code }) =>
        failed.resolve(
          new SluiceError('setup_failed', {
            message: `${what} stopped and could not be kept running`,
            got: `exit code ${code}`,
            where: join(home, 'logs'),
          }),
        ),
      );
      state = stack.state;
    }
  }
  const loaded = await loadSettings({ SLUICE_LINE: line });
  // The line is made here, so that drift is said at once.
  const opened = await openLine(loaded.config, planSpace(loaded.config), { role: 'producer', logger, releaser });
  const workerLog = join(home, 'logs', `worker-${line}.log`);
  onProgress('starting a worker');
  // It lives when its engine is proved: until then it may wait for something that only a person can mend.
  let lives = false;
  releaser.push(
    'the worker process',
    superviseWorker({
      line,
      log: workerLog,
      logger,
      onWords: ({ what, fix }) =>
        !lives && onProgress(`the worker says: ${what}${fix === undefined ? '' : `. ${fix}`}`),
      onGivingUp: (error) => failed.resolve(error),
    }),
  );
  await Promise.race([workerLives(opened, context.signal), failed.promise.then((error) => Promise.reject(error))]);
  lives = true;
  onProgress('starting the service');
  const telemetry = await startTelemetry({ config: loaded.config, service: 'serve', logger, releaser, quiet: true });
  const service = await startService({
    telemetry,
    config: onLoopback(loaded.config, servicePort),
    logger: quiet(logger),
    portFix: 'Choose another with SLUICE_BOARD_PORT.',
  });
  releaser.push('the service', () => service.close());
  service.finished.catch((error: unknown) => failed.resolve(error as SluiceError));
  return {
    context: { ...context, config: loaded.config, loaded },
    state,
    serviceUrl: service.url,
    workerLog,
    failed: failed.promise,
  };
}

/** The service as `up`, `demo` and `board` run it: for this machine alone. */
export function onLoopback(config: Config, port: number): Config {
  return { ...config, SLUICE_SERVE_HOST: '127.0.0.1', SLUICE_SERVE_PORT: port };
}

/** Its requests would run through the command's own output; what needs a person is shown. */
function quiet(logger: Logger): Logger {
  return logger.level === 'info' ? logger.child({}, { level: 'warn' }) : logger;
}

/** What a person must know of the embedded servers before running them somewhere. */
export function stackRemarks(state: StackState | undefined): string[] {
  const remarks: string[] = [];
  if (state?.milvusKind === 'milvus-lite') {
    remarks.push(
      'This platform has no Milvus server in a wheel: milvus-lite runs instead. It is for development only.',
    );
  }
  const ports = state?.openPorts.map(({ port }) => port) ?? [];
  if (ports.length > 0) {
    remarks.push(
      `This Milvus listens on every interface (it cannot be told otherwise): ports ${ports.join(', ')}. Its proxy asks for a generated password; the component ports do not. Do not run it on a network that you do not trust.`,
    );
  }
  return remarks;
}

async function workerLives({ ledger }: Line, signal: AbortSignal): Promise<void> {
  while (!signal.aborted && (await ledger.liveWorkers()).length === 0) await systemClock.sleep(100, signal);
}

/**
 * Keeps one worker process of the line running, its log in a file. A worker that ends by itself with 0 is not restarted; one
 * that fails is, with growing pauses; five failures within a minute of their start and it is given up.
 */
function superviseWorker({
  line,
  log,
  logger,
  onWords,
  onGivingUp,
}: {
  line: string;
  log: string;
  logger: Logger;
  /** It said something that needs a person. */
  onWords(words: WorkerWords): void;
  onGivingUp(error: SluiceError): void;
}): () => Promise<void> {
  mkdirSync(join(log, '..'), { recursive: true });
  const backoff = createBackoff({ baseMs: 500, capMs: 10_000 });
  let child: ChildProcess | undefined;
  let stopping = false;
  let failures = 0;
  const words = createWorkerWords();
  let timer: NodeJS.Timeout | undefined;

  const start = (): void => {
    const output = createWriteStream(log, { flags: 'a' });
    const startedAt = Date.now();
    const started = spawn(process.execPath, [...nodeFlags, mainModule, 'worker', '--line', line], {
      // The channel tells the worker when this process is gone.
      stdio: ['ignore', 'ignore', 'pipe', 'ipc'],
    });
    child = started;
    started.stderr!.pipe(output);
    createInterface({ input: started.stderr! }).on('line', (line) => {
      const said = words.take(line);
      if (said !== undefined) onWords(said);
    });
    // When it has ended and all that it said was read.
    started.on('close', (code, signal) => {
      child = undefined;
      if (stopping || code === 0) return;
      failures = Date.now() - startedAt > 60_000 ? 1 : failures + 1;
      logger.warn({ event: 'worker exited', code, signal, log }, 'the worker ended and is started again');
      if (failures >= 5) {
        onGivingUp(
          new SluiceError('setup_failed', {
            message: 'The worker ends again and again',
            where: log,
            got: words.last?.what,
            fix: words.last?.fix ?? 'Read the end of the log file named above.',
          }),
        );
        return;
      }
      timer = setTimeout(start, backoff.next());
    });
  };
  start();

  return async () => {
    stopping = true;
    clearTimeout(timer);
    const running = child;
    if (running === undefined) return;
    const exited = new Promise<void>((resolve) => running.once('close', () => resolve()));
    running.kill('SIGTERM');
    const kill = setTimeout(() => running.kill('SIGKILL'), 14_000);
    await exited;
    clearTimeout(kill);
  };
}
