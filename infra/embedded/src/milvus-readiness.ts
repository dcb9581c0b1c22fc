/**
 * When the embedded Milvus may be used. Its HTTP health answers seconds before it can serve after a crash, so what counts is
 * the gRPC health check as `root` with the stack's own password, and one Strong query of a loaded collection if there is one.
 */
import { connect } from 'node:net';
import { SluiceError, systemClock } from '@sluice/core';
import { LoadState, MilvusClient } from '@zilliz/milvus2-sdk-node';

const FIRST_PASSWORD = 'Milvus';
const CALL_TIMEOUT_MS = 5_000;
const UNAUTHENTICATED = 16;
/** A server that has not read its users yet refuses everybody; after this long it means it. */
const REFUSED_MS = 15_000;

export interface MilvusLogin {
  address: string;
  /** '' for milvus-lite, which knows no users. */
  username: string;
  password: string;
}

/**
 * Resolves when the server answers. At its first start it still has the well-known password, which is changed before
 * anything else. Throws `setup_failed` when it takes neither password.
 */
export async function waitForMilvus(login: MilvusLogin, signal: AbortSignal): Promise<void> {
  const port = Number(login.address.slice(login.address.lastIndexOf(':') + 1));
  let refusedSince: number | undefined;
  while (!signal.aborted) {
    if (await isListening(port)) {
      const answer = await tryOnce(login);
      if (answer === 'ready') return;
      if (answer !== 'refused' || (await replaceFirstPassword(login))) {
        refusedSince = undefined;
      } else {
        refusedSince ??= systemClock.monotonicMs();
        if (systemClock.monotonicMs() - refusedSince > REFUSED_MS) throw foreignData(login);
      }
    }
    await systemClock.sleep(150, signal);
  }
}

async function tryOnce(login: MilvusLogin): Promise<'ready' | 'refused' | 'not yet'> {
  const client = openClient(login);
  try {
    const health = await client.checkHealth();
    if (!health.isHealthy) return 'not yet';
    return (await answersStrongQuery(client)) ? 'ready' : 'not yet';
  } catch (error) {
    return (error as { code?: unknown }).code === UNAUTHENTICATED ? 'refused' : 'not yet';
  } finally {
    await client.closeConnection();
  }
}

/** True also when there is nothing to query. */
async function answersStrongQuery(client: MilvusClient): Promise<boolean> {
  const shown = await client.showCollections({ timeout: CALL_TIMEOUT_MS });
  if (!isSuccess(shown.status)) return false;
  for (const { name } of shown.data) {
    const { state, status } = await client.getLoadState({ collection_name: name, timeout: CALL_TIMEOUT_MS });
    if (!isSuccess(status) || state !== LoadState.LoadStateLoaded) continue;
    const counted = await client.query({
      collection_name: name,
      output_fields: ['count(*)'],
      consistency_level: 'Strong' as never,
      timeout: CALL_TIMEOUT_MS,
    });
    return isSuccess(counted.status);
  }
  return true;
}

/** False when the well-known password is refused as well. */
async function replaceFirstPassword(login: MilvusLogin): Promise<boolean> {
  const client = openClient({ ...login, password: FIRST_PASSWORD });
  try {
    const status = await client.updateUser({
      username: login.username,
      oldPassword: FIRST_PASSWORD,
      newPassword: login.password,
      timeout: CALL_TIMEOUT_MS,
    });
    return isSuccess(status);
  } catch (error) {
    if ((error as { code?: unknown }).code === UNAUTHENTICATED) return false;
    return true; // Not answered: asked again with the next try.
  } finally {
    await client.closeConnection();
  }
}

function foreignData(login: MilvusLogin): SluiceError {
  return new SluiceError('setup_failed', {
    message: 'The data of the embedded Milvus has another password than stack.json',
    where: login.address,
    fix: 'Put the stack.json back that belongs to this data, or remove data/milvus and ingest again.',
  });
}

function openClient({ address, username, password }: MilvusLogin): MilvusClient {
  const client = new MilvusClient({
    address,
    username,
    password,
    timeout: CALL_TIMEOUT_MS,
    maxRetries: 0,
    telemetry: { enabled: false },
    logLevel: 'error',
  });
  // Every call waits for this promise and rejects with it; unheard, it would end the process.
  client.connectPromise.catch(() => undefined);
  return client;
}

function isSuccess(status: { error_code: string | number; code?: number } | undefined): boolean {
  return status !== undefined && status.error_code === 'Success' && (status.code ?? 0) === 0;
}

function isListening(port: number): Promise<boolean> {
  return new Promise((resolve) => {
    const socket = connect({ port, host: '127.0.0.1' });
    const finish = (listening: boolean) => {
      socket.destroy();
      resolve(listening);
    };
    socket.once('connect', () => finish(true)).once('error', () => finish(false));
    socket.setTimeout(1_000, () => finish(false));
  });
}
