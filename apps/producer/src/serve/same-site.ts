/**
 * Whether a write comes from a page of this host, or from no page at all. A browser says where a request was made
 * (`Sec-Fetch-Site`, and `Origin` with every write); a program says neither and brings a key.
 */
import type { IncomingHttpHeaders } from 'node:http';

export function isForeignWrite(method: string, headers: IncomingHttpHeaders): boolean {
  if (method === 'GET' || method === 'HEAD' || method === 'OPTIONS') return false;
  const site = headers['sec-fetch-site'];
  if (site !== undefined && site !== 'same-origin' && site !== 'none') return true;
  return headers.origin !== undefined && hostOf(headers.origin) !== headers.host?.toLowerCase();
}

/** undefined for `null`, which a sandboxed page sends, and for what is no origin. */
function hostOf(origin: string): string | undefined {
  return URL.canParse(origin) ? new URL(origin).host : undefined;
}
