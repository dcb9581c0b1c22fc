/** What the embedded stack can run here: which part has no server, said before anything is started. */
import { SluiceError } from '@sluice/core';
import { missingServers } from './platform-support.mjs';

export function assertSupported(needs: { queue: boolean; store: boolean }): void {
  const missing = missingServers().filter(({ part }) => needs[part]);
  if (missing.length === 0) return;
  throw new SluiceError('unsupported_platform', {
    message: missing.map(({ why }) => why).join('; '),
    fix: `Use WSL2 or a glibc Linux, or set ${missing.map(({ setting }) => setting).join(' and ')} to a server of your own.`,
  });
}
