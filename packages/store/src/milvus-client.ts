/**
 * The SDK with its traps taken out: no retries of its own (they repeat poison and have no jitter), no telemetry, a deadline on
 * every call (its writes wait 24 hours otherwise), its connect promise heard (unheard, a refused password ends the process),
 * and success only where both status fields say so.
 */
import { getCACertificates } from 'node:tls';
import type { Logger } from '@sluice/core';
import { MilvusClient } from '@zilliz/milvus2-sdk-node';
import { hasMilvusCode, isSuccess, storeError } from './store-errors.ts';

export interface StoreOptions {
  /** `host:port`, or an https:// URL. */
  address: string;
  username?: string | undefined;
  password?: string | undefined;
  token?: string | undefined;
  database?: string | undefined;
  logger: Logger;
  /** Deadline of every call, milliseconds. Default 60,000: milvus-lite stalls for seconds while it builds an index. */
  timeoutMs?: number | undefined;
}

/** The authorities that Node trusts, those of NODE_EXTRA_CA_CERTS included. */
function trustedAuthorities(): Buffer {
  return Buffer.from(getCACertificates('default').join('\n'));
}

interface Reply {
  status?: unknown;
  error_code?: unknown;
}

export interface Milvus {
  readonly sdk: MilvusClient;
  readonly address: string;
  readonly timeoutMs: number;
  readonly logger: Logger;
  /** Makes a call and returns its reply, or throws what its failure means. `what` is `call collection`. */
  call<R extends Reply>(what: string, call: () => Promise<R>): Promise<R>;
  /** The same; a collection that is not loaded is loaded first, once. */
  callLoaded<R extends Reply>(what: string, collection: string, call: () => Promise<R>): Promise<R>;
  /** Resolves when the collection answers queries. */
  load(collection: string): Promise<void>;
  close(): Promise<void>;
}

const NOT_LOADED = 101;
const LOAD_POLL_MS = 50;
const MAX_RECONNECT_MS = 4_000;
const PING_TIMEOUT_MS = 15_000;

/** Throws `store_unreachable` or `store_refused_key`. */
export async function connectMilvus(options: StoreOptions): Promise<Milvus> {
  const { address, username, password, token, database, logger, timeoutMs = 60_000 } = options;
  const sdk = new MilvusClient({
    address,
    ...(token && { token }),
    ...(username && { username }),
    ...(password && { password }),
    ...(database && { database }),
    // gRPC alone would not look at what NODE_EXTRA_CA_CERTS adds.
    ...(address.startsWith('https://') && { tls: { rootCert: trustedAuthorities() } }),
    timeout: timeoutMs,
    maxRetries: 0,
    // By default gRPC looks at a server that was away up to two minutes later, and the SDK drops a connection whose ping is answered after five
    // seconds, which happens on a busy machine.
    channelOptions: {
      'grpc.max_reconnect_backoff_ms': MAX_RECONNECT_MS,
      'grpc.keepalive_timeout_ms': PING_TIMEOUT_MS,
    },
    telemetry: { enabled: false },
    logLevel: 'error',
  });
  try {
    await sdk.connectPromise;
  } catch (error) {
    await sdk.closeConnection();
    throw storeError(error, `connect ${address}`);
  }

  async function attempt<R extends Reply>(call: () => Promise<R>): Promise<{ reply: R } | { failure: unknown }> {
    try {
      const reply = await call();
      const status = ('status' in reply ? reply.status : reply) as Parameters<typeof isSuccess>[0];
      return isSuccess(status) ? { reply } : { failure: reply };
    } catch (error) {
      return { failure: error };
    }
  }

  async function call<R extends Reply>(what: string, make: () => Promise<R>): Promise<R> {
    const outcome = await attempt(make);
    if ('reply' in outcome) return outcome.reply;
    throw storeError(outcome.failure, what);
  }

  async function load(collection: string): Promise<void> {
    await call(`load ${collection}`, () =>
      sdk.loadCollectionAsync({ collection_name: collection, timeout: timeoutMs }),
    );
    const deadline = performance.now() + timeoutMs;
    for (;;) {
      const { progress } = await call(`load ${collection}`, () =>
        sdk.getLoadingProgress({ collection_name: collection, timeout: timeoutMs }),
      );
      if (Number(progress) >= 100) return;
      if (performance.now() > deadline)
        throw storeError({ error_code: 'UnexpectedError', code: NOT_LOADED }, `load ${collection}`);
      await new Promise((resolve) => setTimeout(resolve, LOAD_POLL_MS));
    }
  }

  return {
    sdk,
    address,
    timeoutMs,
    logger,
    call,
    async callLoaded(what, collection, make) {
      const first = await attempt(make);
      if ('reply' in first) return first.reply;
      if (!hasMilvusCode(first.failure, NOT_LOADED)) throw storeError(first.failure, what);
      logger.info({ collection }, 'collection is not loaded, loading it');
      await load(collection);
      return call(what, make);
    },
    load,
    async close() {
      await sdk.closeConnection();
    },
  };
}
