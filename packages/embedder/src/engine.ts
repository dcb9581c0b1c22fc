/** The one interface of all engines: texts in, full-dimension vectors out, in order. */
import type { Profile } from './profile.ts';

/** `none`: no task, no instruction. Only preflight uses it, to see whether the engine minds the task at all. */
export type Role = 'passage' | 'query' | 'none';

export interface EmbedRequest {
  /** Embedded texts, without instruction: whoever the profile says adds it. */
  texts: readonly string[];
  /** Total tokens of each text (text + special + instruction): for the deadline and for accounting. */
  tokens: readonly number[];
  role: Role;
  /** The task instead of the role's own, for engines that take one with each request. Only preflight uses it. */
  task?: string | undefined;
  signal?: AbortSignal | undefined;
}

export interface EmbedReply {
  /**
   * One a text, in order, of the full dimension; null where that item alone came back null, NaN or infinite.
   * The vectors of one reply share one buffer: copy what is to be kept long.
   */
  vectors: (Float32Array | null)[];
  /** What the engine says it has counted; absent where it counts nothing. See `usageCounts` of the profile. */
  usageTokens?: number | undefined;
  /** What the reply calls the model that made the vectors; absent where it does not say. */
  model?: string | undefined;
}

/**
 * Invariants: `embed` sends one request and never repeats it (the caller owns waiting and splitting); it throws a
 * SluiceError whose verdict says what the failure means for the work, or the signal's reason when the caller aborted;
 * no error carries text of a document. After `close` every call fails.
 */
export interface Engine {
  readonly profile: Profile;
  readonly fullDimension: number;
  /** Where it runs, for messages: an address without its secrets, or `in-process`. */
  readonly where: string;
  /** Requests that nobody waits for any more and that it still computes; absent where it stops at once, or cannot know. */
  readonly abandoned?: number;
  embed(request: EmbedRequest): Promise<EmbedReply>;
  close(): Promise<void>;
}
