/** How an engine is spoken to over HTTP: the body of a request, and where the vectors are in a reply. */
import type { Role } from '../engine.ts';
import type { Profile } from '../profile.ts';
import type { ReplyJson } from './reply-json.ts';

export interface Question {
  /** With the instruction already in front, where the client adds it. */
  texts: readonly string[];
  role: Role;
  /** Instead of the role's own task. */
  task?: string | undefined;
  servedModel: string;
  fullDimension: number;
  profile: Profile;
}

export interface Items {
  /** One a text, in the order of the texts: base64, numbers or null. */
  embeddings: unknown[];
  usageTokens?: number | undefined;
  model?: string | undefined;
}

export interface Protocol {
  /** JSON text. */
  body(question: Question): string;
  /** Throws a ReplyShapeError when the reply does not follow the protocol. */
  read(reply: ReplyJson, rows: number): Items;
}

/** What is wrong with a reply, in words without any of its content. */
export class ReplyShapeError extends Error {
  readonly expected: string;
  readonly got: string;
  constructor(expected: string, got: string) {
    super(`expected ${expected}, got ${got}`);
    this.expected = expected;
    this.got = got;
  }
}
