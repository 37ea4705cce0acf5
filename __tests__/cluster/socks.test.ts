import { createServer } from 'node:net';
import { inspect } from 'node:util';
import { afterEach, beforeEach, describe, expect, test } from '@jest/globals';
import { type Connection, connect } from '../../src/cluster/connection.ts';
import { networkProblemOf } from '../../src/cluster/network-error.ts';
import {
  aFolder,
  aKubeconfig,
  anHttpServer,
  anHttpsServer,
  aRequest,
  aSocksProxy,
  base64,
  type Folder,
  type Loopback,
  textOf,
} from './loopback.ts';

let folder: Folder;
let closing: (() => Promise<void> | void)[];
beforeEach(() => {
  folder = aFolder();
  closing = [];
});
afterEach(async () => {
  for (const close of closing.reverse()) await close();
  folder.remove();
});

async function opened<T extends { readonly close: () => Promise<void> }>(server: Promise<T>): Promise<T> {
  const started = await server;
  closing.push(started.close);
  return started;
}

/** Only the proxy can find this host. */
const HOST = 'api.private.example';

function aHello(): Promise<Loopback> {
  return opened(anHttpsServer((_, response) => response.end('hello'), { hosts: [HOST] }));
}

async function dial(
  server: Loopback | null,
  proxyUrl: string,
  env: Record<string, string> = {},
  more: object = {},
): Promise<Connection> {
  const cluster = {
    ...{ server: `https://${HOST}:6443`, 'proxy-url': proxyUrl },
    ...(server === null ? {} : { 'certificate-authority-data': base64(server.ca) }),
    ...more,
  };
  const kubeconfig = folder.write('config', aKubeconfig(cluster));
  const connection = await connect({ kubeconfig, context: null, env }, new AbortController().signal);
  closing.push(connection.close);
  return connection;
}

async function problemOf({ transport }: Connection): Promise<ReturnType<typeof networkProblemOf>> {
  const error = await transport(aRequest('/')).catch((rejection: unknown) => rejection);
  expect(error).toHaveProperty('message');
  // Whoever prints an error with all that hangs on it must not print the password.
  expect(inspect(error, { depth: null, showHidden: true })).not.toContain('hunter2');
  return networkProblemOf(error);
}

describe('a SOCKS proxy', () => {
  test.each(['socks5', 'socks5h', 'socks'])(
    'with %s:// is given the name of the server, as kubectl gives it, and is kept alive',
    async (scheme) => {
      const server = await aHello();
      const proxy = await opened(aSocksProxy(() => server.port));
      const { transport } = await dial(server, `${scheme}://127.0.0.1:${proxy.port}`);
      for (let round = 0; round < 3; round += 1) expect(await textOf(await transport(aRequest('/')))).toBe('hello');
      expect(proxy.tunnels).toEqual([`${HOST}:6443`]);
      expect(server.connections()).toBe(1);
    },
  );

  describe.each([
    ['IPv4', '10.0.0.1', '10.0.0.2', '10.0.0.1', 'address type 1'],
    ['IPv6', 'fd00::1', 'fd00::2', '[fd00::1]', 'address type 4'],
  ])('on the way to an %s address', (_, address, another, host, asked) => {
    async function through(
      hosts: readonly string[],
      more: object = {},
    ): Promise<readonly [Connection, readonly string[]]> {
      const server = await opened(anHttpsServer((__, response) => response.end('hello'), { hosts }));
      const proxy = await opened(aSocksProxy(() => server.port));
      const url = `socks5://127.0.0.1:${proxy.port}`;
      return [await dial(server, url, {}, { server: `https://${host}:6443`, ...more }), proxy.tunnels];
    }

    test('is asked for that address, and the certificate is checked for it', async () => {
      const [{ transport }, tunnels] = await through([address]);
      for (let round = 0; round < 3; round += 1) expect(await textOf(await transport(aRequest('/')))).toBe('hello');
      expect(tunnels).toEqual([`${asked}:6443`]);
    });

    test('does not let a certificate of another one pass, nor one of the machine itself', async () => {
      const [connection] = await through([another, 'localhost']);
      expect(await problemOf(connection)).toMatchObject({ kind: 'certificate', code: 'ERR_TLS_CERT_ALTNAME_INVALID' });
    });

    test('lets tls-server-name say what the certificate is for', async () => {
      const [{ transport }] = await through(['api.example'], { 'tls-server-name': 'api.example' });
      await expect(transport(aRequest('/'))).resolves.toMatchObject({ status: 200 });
    });
  });

  test('of the environment is used as well', async () => {
    const server = await aHello();
    const proxy = await opened(aSocksProxy(() => server.port));
    const env = { HTTPS_PROXY: `socks5://127.0.0.1:${proxy.port}` };
    const { transport } = await dial(server, '', env);
    await expect(transport(aRequest('/'))).resolves.toMatchObject({ status: 200 });
  });

  test('is logged in to, and its password is masked', async () => {
    const server = await aHello();
    const proxy = await opened(aSocksProxy(() => server.port, { user: 'me', password: 'hunter2!' }));
    const { transport, secrets } = await dial(server, `socks5://me:hunter2%21@127.0.0.1:${proxy.port}`);
    await expect(transport(aRequest('/'))).resolves.toMatchObject({ status: 200 });
    expect(secrets()).toEqual(['hunter2!', 'hunter2%21', base64('me:hunter2!')]);
  });

  test('checks no certificate in place of the gate', async () => {
    const server = await aHello();
    const proxy = await opened(aSocksProxy(() => server.port));
    const problem = await problemOf(await dial(null, `socks5://127.0.0.1:${proxy.port}`));
    expect(problem).toMatchObject({ kind: 'certificate', code: 'UNABLE_TO_VERIFY_LEAF_SIGNATURE' });
  });

  test.each<[string, number, string, string, string]>([
    ['does not allow it', 2, 'not-kubernetes', 'ERR_PROXY_REFUSED', 'the proxy refused the connection'],
    ['cannot find the server', 4, 'unreachable', 'ERR_PROXY_FAILED', 'the proxy could not reach the API server'],
    ['is refused by the server', 5, 'unreachable', 'ERR_PROXY_FAILED', 'the proxy could not reach the API server'],
  ])('that %s is named', async (_, reply, kind, code, what) => {
    const proxy = await opened(aSocksProxy(() => 1, { reply }));
    const problem = await problemOf(await dial(null, `socks5://me:hunter2@127.0.0.1:${proxy.port}`));
    expect(problem).toMatchObject({ kind, code, what: expect.stringContaining(what) });
    expect(problem.what).toContain(`(through the proxy socks5://127.0.0.1:${proxy.port})`);
  });

  test('that refuses the password is named, without it', async () => {
    const proxy = await opened(aSocksProxy(() => 1, { user: 'me', password: 'another' }));
    const problem = await problemOf(await dial(null, `socks5://me:hunter2@127.0.0.1:${proxy.port}`));
    expect(problem).toMatchObject({
      ...{ kind: 'not-kubernetes', code: 'ERR_PROXY_REFUSED' },
      what: expect.stringContaining('Authentication failed'),
    });
  });

  test('that is none is named', async () => {
    const server = await opened(anHttpServer((_, response) => response.end()));
    const problem = await problemOf(await dial(null, `socks5://127.0.0.1:${server.port}`));
    expect(problem).toMatchObject({ kind: 'not-kubernetes', code: 'ERR_PROXY_NO_SOCKS' });
  });

  test('that is not there is named', async () => {
    const problem = await problemOf(await dial(null, 'socks5://me:hunter2@127.0.0.1:1'));
    expect(problem).toMatchObject({
      ...{ kind: 'unreachable', code: 'ECONNREFUSED' },
      what: 'the connection was refused (through the proxy socks5://127.0.0.1:1)',
    });
  });

  test('that is silent does not keep an aborted request', async () => {
    let asked = (): void => undefined;
    const arrived = new Promise<void>((resolve) => {
      asked = resolve;
    });
    const server = createServer((socket) => {
      closing.push(() => void socket.destroy());
      asked();
    });
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
    closing.push(() => void server.close());
    const { port } = server.address() as { readonly port: number };
    const { transport } = await dial(null, `socks5://127.0.0.1:${port}`);
    const end = new AbortController();
    const waiting = transport(aRequest('/', { signal: end.signal }));
    await arrived;
    end.abort();
    await expect(waiting).rejects.toThrow('aborted');
  });
});
