/**
 * Free ports for servers that must be told theirs. Chosen below the range from which systems hand out ports for outgoing
 * connections (32768 on Linux, 49152 on macOS), so that a remembered port is seldom lost to a passing connection.
 */
import { createServer } from 'node:net';
import { SluiceError } from '@sluice/core';

const FIRST = 20_000;
const LAST = 32_000;

/** Whether nothing listens on the port, on loopback or on any interface. */
async function isPortFree(port: number): Promise<boolean> {
  return (await canBind(port, '127.0.0.1')) && (await canBind(port, '0.0.0.0'));
}

/**
 * One free port for each name. `remembered` ports are kept where they are still free; `wanted` ports are taken as they are
 * or refused with `port_taken`.
 */
export async function choosePorts<Name extends string>(
  names: readonly Name[],
  {
    remembered = {},
    wanted = {},
    random = Math.random,
  }: {
    remembered?: Partial<Record<Name, number>>;
    wanted?: Partial<Record<Name, number | undefined>>;
    random?: () => number;
  } = {},
): Promise<Record<Name, number>> {
  const chosen = new Set<number>();
  const ports = {} as Record<Name, number>;
  for (const name of names) {
    const port = wanted[name];
    if (port === undefined) continue;
    if (chosen.has(port) || !(await isPortFree(port))) {
      throw new SluiceError('port_taken', {
        message: `Port ${port} for ${name} is in use`,
        where: `127.0.0.1:${port}`,
      });
    }
    chosen.add(port);
    ports[name] = port;
  }
  for (const name of names) {
    if (ports[name] !== undefined) continue;
    let port = remembered[name];
    while (port === undefined || chosen.has(port) || !(await isPortFree(port))) {
      port = FIRST + Math.floor(random() * (LAST - FIRST));
    }
    chosen.add(port);
    ports[name] = port;
  }
  return ports;
}

function canBind(port: number, host: string): Promise<boolean> {
  return new Promise((resolve) => {
    const server = createServer();
    server.once('error', () => resolve(false));
    server.listen({ port, host, exclusive: true }, () => server.close(() => resolve(true)));
  });
}
