/** One way to serve the toy model: how it is installed, what it is given to serve, how it is started, and what preflight must say of it. */
import type { ErrorCode } from '@sluice/core';

export interface StartContext {
  /** The environment's own Python; the empty string where the row has no environment. */
  python: string;
  /** A folder for what it serves; what an earlier run left there may be gone or not. */
  folder: string;
  port: number;
}

export interface Command {
  command: string;
  args: string[];
  cwd?: string;
  env?: Record<string, string>;
}

/** A Python environment of its own under .sluice/engines, made once. */
export interface Environment {
  packages: readonly string[];
  /** What plain pip cannot do, once, after it. */
  finish?: (python: string, folder: string) => Promise<void>;
}

export interface EngineRow {
  name: string;
  /** Name of the profile that speaks to it. */
  profile: string;
  /**
   * What preflight must say: `right`, or the code of the refusal. `imprecise`: it is taken, because preflight asks short texts, and its
   * vectors of long ones are below those of a right engine on some processors. The page then says so.
   */
  expect: 'right' | 'imprecise' | ErrorCode;
  environment?: Environment;
  /** A program or checkout that no package registry has: without it the row is replayed, and says so. */
  needs?: { path: string; what: string };
  /** Lays out what it serves and says how it is started; undefined: it runs in this process, and `settings` are all that is needed. */
  start?(context: StartContext): Promise<Command>;
  /** Path that answers 200 when it is ready. */
  health?: string;
  settings: Readonly<Record<string, string>>;
  /** Part of Sluice itself: every `npm test` runs it, and nothing of it is recorded. */
  own?: true;
  /** It is the engine for queries beside another one that serves passages. Default: it serves what its profile says. */
  forQueries?: true;
  /** Folder of the toy model whose golden vectors hold. Default: test/fixtures/jina-v3-tiny. `built-in`: it has a model of its own, and golden vectors that ship with it. */
  model?: string;
}
