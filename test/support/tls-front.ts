/** TLS in front of a server that speaks none, as a proxy would be: the certificate of test/fixtures/tls, whose authority is `tlsAuthority`. */
import { once } from 'node:events';
import { readFileSync } from 'node:fs';
import { type AddressInfo, connect } from 'node:net';
import { createServer } from 'node:tls';
import { fileURLToPath } from 'node:url';

const fixture = (name: string) => fileURLToPath(new URL(`../fixtures/tls/${name}`, import.meta.url));

/** For NODE_EXTRA_CA_CERTS. */
export const tlsAuthority = fixture('ca.pem');

export interface TlsFront {
  /** 127.0.0.1:port */
  address: string;
  close(): Promise<void>;
}

export async function startTlsFront(target: string): Promise<TlsFront> {
  const { hostname, port } = new URL(target.includes('://') ? target : `tcp://${target}`);
  const sockets = new Set<{ destroy(): unknown }>();
  const server = createServer(
    {
      key: readFileSync(fixture('server-key.pem')),
      cert: readFileSync(fixture('server.pem')),
      ALPNProtocols: ['h2', 'http/1.1'],
    },
    (secure) => {
      const plain = connect(Number(port), hostname);
      for (const socket of [secure, plain]) {
        sockets.add(socket);
        socket.on('error', () => socket.destroy()).once('close', () => sockets.delete(socket));
      }
      secure.pipe(plain).pipe(secure);
    },
  );
  // Whoever does not trust the certificate hangs up.
  server.on('tlsClientError', () => undefined);
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  return {
    address: `127.0.0.1:${(server.address() as AddressInfo).port}`,
    async close() {
      for (const socket of sockets) socket.destroy();
      server.close();
      await once(server, 'close');
    },
  };
}
