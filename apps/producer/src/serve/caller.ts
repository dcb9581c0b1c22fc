/** Who asks: decided once a request, before its body is read. */
import type { ApiKey, KeyLimits, Scope } from '@sluice/queue';

export interface Caller {
  /** Name of the key; `loopback` where no key is configured, `nobody` on public pages. */
  name: string;
  /** Id of the key: idempotency keys and allowances belong to it. */
  keyId: string | undefined;
  scopes: readonly Scope[];
  /** Names of lines; `*` is every line. */
  lines: readonly string[];
  /** Everything that the caller hands in, reads and deletes belongs to this tenant; undefined: a request may name any. */
  tenant: string | undefined;
  limits: KeyLimits;
}

export const nobody: Caller = {
  name: 'nobody',
  keyId: undefined,
  scopes: [],
  lines: [],
  tenant: undefined,
  limits: {},
};

/** Whoever is on this machine, where no key is configured. */
export const loopbackCaller: Caller = {
  name: 'loopback',
  keyId: undefined,
  scopes: ['ingest', 'read', 'admin'],
  lines: ['*'],
  tenant: undefined,
  limits: {},
};

export function callerOf({ id, name, scopes, lines, tenant, limits }: ApiKey): Caller {
  return { name, keyId: id, scopes, lines, tenant, limits };
}

/** `admin` may do what `ingest` and `read` may. */
export function mayDo(caller: Caller, scope: Scope): boolean {
  return caller.scopes.includes(scope) || caller.scopes.includes('admin');
}

export function mayUse(caller: Caller, line: string): boolean {
  return caller.lines.includes('*') || caller.lines.includes(line);
}
