/** A process of a fault run: a script of this folder that talks with its parent over IPC and dies with it. */
import { type ChildProcess, fork } from 'node:child_process';
import { once } from 'node:events';
import { closeSync, openSync } from 'node:fs';
import { join } from 'node:path';
import { nodeFlags } from '@sluice/cli/node-flags';

export interface Child<Message, Order = never> {
  readonly pid: number;
  readonly alive: boolean;
  /** How it ended, once it has. */
  readonly exited: Promise<{ code: number | null; signal: NodeJS.Signals | null }>;
  order(order: Order): void;
  signal(signal: NodeJS.Signals): void;
  /** SIGKILL, and resolves when it is gone. */
  kill(): Promise<void>;
  onMessage(listener: (message: Message) => void): void;
  /** The first message that fits; rejects when the process ends before. */
  next(fits: (message: Message) => boolean): Promise<Message>;
}

/** Standard error is appended to `log`. */
export function startChild<Message, Order = never>(
  script: string,
  argument: unknown,
  { env, log }: { env: Record<string, string>; log: string },
): Child<Message, Order> {
  const file = openSync(log, 'a', 0o600);
  const child: ChildProcess = fork(join(import.meta.dirname, script), [JSON.stringify(argument)], {
    execArgv: nodeFlags,
    env: { ...withoutSettings(process.env), ...env },
    stdio: ['ignore', 'ignore', file, 'ipc'],
  });
  closeSync(file);
  const listeners = new Set<(message: Message) => void>();
  child.on('message', (message) => {
    for (const listener of [...listeners]) listener(message as Message);
  });
  // An order to a process that has just died is lost, as it would be a moment later.
  child.on('error', () => undefined);
  const exited = once(child, 'exit').then(([code, signal]) => ({ code, signal }));
  return {
    pid: child.pid!,
    get alive() {
      return child.exitCode === null && child.signalCode === null;
    },
    exited,
    order(order) {
      if (child.connected) child.send(order as object, () => undefined);
    },
    signal: (signal) => void child.kill(signal),
    async kill() {
      child.kill('SIGKILL');
      await exited;
    },
    onMessage: (listener) => void listeners.add(listener),
    next(fits) {
      const found = new Promise<Message>((resolve, reject) => {
        const listener = (message: Message): void => {
          if (!fits(message)) return;
          listeners.delete(listener);
          resolve(message);
        };
        listeners.add(listener);
        void exited.then(({ code, signal }) => {
          listeners.delete(listener);
          reject(new Error(`${script} ended (${signal ?? code}); its log is ${log}`));
        });
      });
      // Whoever asked may have stopped waiting before the process ends.
      found.catch(() => undefined);
      return found;
    },
  };
}

/** Nothing of the developer's own settings reaches the run. */
export function withoutSettings(env: NodeJS.ProcessEnv): NodeJS.ProcessEnv {
  return Object.fromEntries(Object.entries(env).filter(([name]) => !name.startsWith('SLUICE_')));
}
