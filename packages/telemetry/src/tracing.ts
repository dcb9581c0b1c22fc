/**
 * Traces, off by default. Code asks for spans here and knows nothing of OpenTelemetry; without a collector nothing of it is
 * loaded. Text of documents is never an attribute, nor is a secret.
 *
 * A document's context travels in its jobs as a W3C `traceparent`. A batch serves many documents, so its span *links* to theirs
 * and is child of none.
 */

export type Attributes = Record<string, string | number | boolean>;

export interface SpanOptions {
  kind: 'producer' | 'client' | 'internal';
  attributes?: Attributes;
  /** `traceparent`s of the documents that this serves. */
  links?: readonly string[];
}

export interface Span {
  set(attributes: Attributes): void;
  /** The `traceparent` that whoever goes on with this work links to; undefined where nothing is traced. */
  readonly traceparent: string | undefined;
}

export interface Tracing {
  /** Runs `work` in a span that ends with it; a failure is recorded by its code and thrown on. */
  span<T>(name: string, options: SpanOptions, work: (span: Span) => Promise<T>): Promise<T>;
  /** Sends what is left. */
  close(): Promise<void>;
}

const unrecorded: Span = { set: () => undefined, traceparent: undefined };

export const noTracing: Tracing = {
  span: (_name, _options, work) => work(unrecorded),
  close: async () => undefined,
};

/** At most so many links a span: more say nothing to whoever reads it. */
export const MAX_LINKS = 64;
