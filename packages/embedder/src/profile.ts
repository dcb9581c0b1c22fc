/** What a profile says about an engine. Every flag has a reason and a source in `why`; a flag without one does not compile. */
import type { Role } from './engine.ts';

export interface ProfileFlags {
  /** Who puts the instruction before the text. */
  instruction: 'engine' | 'client' | 'none';
  /** How the adapter is chosen: a field of the request, merged into the weights, fixed in the program, or there is none. */
  task: 'request-field' | 'merged' | 'fixed' | 'none';
  /** What a text above the window gets. `no-limit`: there is no window. */
  overLong: 'refused' | 'silently-cut' | 'no-limit';
  /** Vectors come as base64 of little-endian float32 when asked: 2.4 times faster end to end than JSON floats. */
  base64: boolean;
  /** Rows of one request at most; more are refused here, before they are sent. */
  maxRows: number;
  /** Bytes of one request's body at most; larger ones are refused here, before they are sent. */
  maxBytes: number;
  /** A cut vector is made unit length again by the engine itself. Sluice never relies on it: it cuts by itself. */
  renormalises: boolean;
  /** Full vectors have length 1 within 1 % (bf16 engines are off by 0.4 %). Checked on every reply. */
  unitNorm: boolean;
  /** What `usage` counts. */
  usageCounts: 'with-instruction' | 'without-instruction' | 'characters' | 'nothing';
  /** Texts of one request are padded to the longest: padded tokens are what it costs. */
  pads: boolean;
  /** Roles it serves with the right vector. */
  roles: readonly Role[];
  /** Tokens that the model takes, specials and instruction included; null: no limit. */
  windowTokens: number | null;
}

export interface Profile extends ProfileFlags {
  name: string;
  protocol: 'static' | 'jina' | 'openai' | 'tei' | 'onnx' | 'null';
  /** What it is and whom it is for: one sentence, shown by `sluice doctor`. */
  summary: string;
  /** The space: model, revision, task. */
  model: string;
  modelRevision: string;
  spaceTask: string;
  /** What the engine calls the model, in requests; SLUICE_SERVED_MODEL says otherwise. */
  servedModel: string;
  fullDimension: number;
  /** Most tokens of a chunk unless SLUICE_MAX_TOKENS says otherwise, where a smaller one than the window serves the model better. */
  presetTokens?: number;
  /** Stored dimension unless SLUICE_DIMENSION says otherwise. */
  recommendedDimension: number;
  /** Dimensions that the model was trained to be cut to; others work and are weaker. */
  trainedDimensions: readonly number[];
  /** Put before a passage, exactly; '' when the model has none. */
  passageInstruction: string;
  queryInstruction: string;
  /** A request may take `baseMs + perTokenMs × padded tokens`. */
  deadline: { baseMs: number; perTokenMs: number };
  /** Path after the base address, where the protocol is HTTP. */
  path?: string;
  /** Field of the request that takes the role by name, for engines that call it so. */
  roleField?: string;
  /** Reason and source of each flag. */
  why: Readonly<Record<keyof ProfileFlags, string>>;
}
