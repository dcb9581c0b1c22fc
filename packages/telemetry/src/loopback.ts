/** Whether an address to listen on, or the host that a request names, is this machine and nobody else's. */

export function isLoopbackAddress(host: string): boolean {
  return host === 'localhost' || host === '::1' || /^127(\.\d{1,3}){3}$/.test(host);
}

/**
 * The `Host` header of a request to a loopback listener. A page on another host that resolves its name to loopback (DNS
 * rebinding) names that host here.
 */
export function isLoopbackHost(header: string | undefined): boolean {
  return header !== undefined && /^(127(\.\d{1,3}){3}|localhost|\[::1\])(:\d+)?$/.test(header);
}
