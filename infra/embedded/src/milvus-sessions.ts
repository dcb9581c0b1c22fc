/**
 * Milvus registers its components as leased sessions in its embedded etcd, and does not take them back when it stops; etcd
 * then renews their leases when it starts again. The new process waits for its own past to expire: 15 to 18 s at every
 * start, with a lease of 8 s. So the number of the process that was ready last is remembered, and the sessions of that one
 * and of those before it are deleted as soon as etcd answers, which is what expiry would do (start: 3 to 6 s).
 */
import { readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { systemClock } from '@sluice/core';

const PREFIX = 'by-dev/meta/session/';
/** The counter of process numbers lives beside the sessions; its value is a bare number. */
const COUNTER = `${PREFIX}id`;
const CALL_TIMEOUT_MS = 2_000;

interface Session {
  /** Base64, as etcd's JSON gateway writes keys. */
  key: string;
  modRevision: string;
  serverId: number;
}

export interface SessionMemory {
  /** Folder of the server's data: the number belongs to it. */
  data: string;
  etcdPort: number;
}

/** Deletes the sessions of every process up to the remembered one. Does nothing when none is remembered. */
export async function forgetOldSessions({ data, etcdPort }: SessionMemory, signal: AbortSignal): Promise<void> {
  const last = Number(await readFile(fileOf(data), 'utf8').catch(() => ''));
  if (!(last > 0)) return;
  while (!signal.aborted) {
    try {
      const old = (await listSessions(etcdPort)).filter(({ serverId }) => serverId <= last);
      await Promise.all(old.map((session) => deleteUnchanged(etcdPort, session)));
      return;
    } catch {
      await systemClock.sleep(20, signal); // etcd does not answer yet
    }
  }
}

/** Remembers the number of the process that runs now. */
export async function rememberSessions({ data, etcdPort }: SessionMemory): Promise<void> {
  const latest = Math.max(0, ...(await listSessions(etcdPort)).map(({ serverId }) => serverId));
  await writeFile(fileOf(data), String(latest));
}

function fileOf(data: string): string {
  return join(data, 'last-server-id');
}

async function listSessions(etcdPort: number): Promise<Session[]> {
  const reply = (await call(etcdPort, 'kv/range', {
    key: encode(PREFIX),
    range_end: encode(`${PREFIX.slice(0, -1)}0`), // '0' follows '/'
  })) as { kvs?: { key: string; value: string; mod_revision: string }[] };
  return (reply.kvs ?? [])
    .filter(({ key }) => key !== encode(COUNTER))
    .map(({ key, value, mod_revision }) => ({
      key,
      modRevision: mod_revision,
      serverId: (JSON.parse(Buffer.from(value, 'base64').toString('utf8')) as { ServerID: number }).ServerID,
    }));
}

/** A session that was registered anew in between stays. */
async function deleteUnchanged(etcdPort: number, { key, modRevision }: Session): Promise<void> {
  await call(etcdPort, 'kv/txn', {
    compare: [{ key, target: 'MOD', mod_revision: modRevision, result: 'EQUAL' }],
    success: [{ requestDeleteRange: { key } }],
  });
}

async function call(etcdPort: number, method: string, body: unknown): Promise<unknown> {
  const reply = await fetch(`http://127.0.0.1:${etcdPort}/v3/${method}`, {
    method: 'POST',
    body: JSON.stringify(body),
    signal: AbortSignal.timeout(CALL_TIMEOUT_MS),
  });
  if (!reply.ok) throw new Error(`etcd answered ${reply.status}`);
  return reply.json();
}

function encode(text: string): string {
  return Buffer.from(text, 'utf8').toString('base64');
}
