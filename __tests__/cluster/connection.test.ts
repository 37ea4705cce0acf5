import { execFile } from 'node:child_process';
import { generateKeyPairSync } from 'node:crypto';
import { writeFile } from 'node:fs/promises';
import { createServer } from 'node:net';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { gzipSync } from 'node:zlib';
import { afterEach, beforeEach, describe, expect, test } from '@jest/globals';
import { makeCertificates } from '../../simulator/certificates.ts';
import { systemClock } from '../../src/clock.ts';
import { type Connection, type ConnectOptions, connect } from '../../src/cluster/connection.ts';
import { createHttpsTransport } from '../../src/cluster/https-transport.ts';
import { networkProblemOf } from '../../src/cluster/network-error.ts';
import {
  aClientCertificate,
  aFolder,
  aKubeconfig,
  anHttpServer,
  anHttpsServer,
  aProxy,
  aRequest,
  aTlsProxy,
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

async function dial(cluster: object, user: object = {}, options: Partial<ConnectOptions> = {}): Promise<Connection> {
  const kubeconfig = folder.write('config', aKubeconfig(cluster, user));
  const connection = await connect({ kubeconfig, context: null, env: {}, ...options }, new AbortController().signal);
  closing.push(connection.close);
  return connection;
}

function clusterOf(server: Loopback, more: object = {}): object {
  return { server: server.url, 'certificate-authority-data': base64(server.ca), ...more };
}

function problemOf(promise: Promise<unknown>): Promise<ReturnType<typeof networkProblemOf>> {
  return promise.then(
    () => {
      throw new Error('it succeeded');
    },
    (error: unknown) => networkProblemOf(error),
  );
}

/** The status of an answer, or the code of an error, in a process of its own: Node reads some variables only as it starts. */
async function answerInAProcess(kubeconfig: string, env: NodeJS.ProcessEnv): Promise<string> {
  const script = folder.write(
    'child.ts',
    `import { connect } from ${JSON.stringify(new URL('../../src/cluster/connection.ts', import.meta.url).href)};
    const { signal } = new AbortController();
    const { transport } = await connect({ kubeconfig: ${JSON.stringify(kubeconfig)}, context: null, env: {} }, signal);
    const answer = await transport({ method: 'GET', path: '/', signal }).catch((error) => ({ status: error.code }));
    console.log(answer.status);
    process.exit();`,
  );
  const { stdout } = await promisify(execFile)(process.execPath, [script], { env });
  return stdout.trim();
}

const hello: Parameters<typeof anHttpsServer>[0] = (_, response) => response.end('{"kind":"Status"}');

describe('a connection', () => {
  test('sends what an API server needs, and keeps its one TCP connection', async () => {
    const server = await opened(anHttpsServer(hello));
    const { transport } = await dial(clusterOf(server), { token: 'secret-token' });
    for (let round = 0; round < 5; round += 1) {
      const response = await transport(aRequest('/api/v1/pods?limit=500'));
      expect(response.status).toBe(200);
      expect(await textOf(response)).toBe('{"kind":"Status"}');
    }
    expect(server.connections()).toBe(1);
    expect(server.asked[0]?.url).toBe('/api/v1/pods?limit=500');
    expect(server.asked[0]?.headers).toMatchObject({
      authorization: 'Bearer secret-token',
      accept: 'application/json',
      'accept-encoding': 'gzip',
      'user-agent': 'calico-health-gate',
    });
  });

  test('sends the body of a DELETE with its length', async () => {
    const bodies: string[] = [];
    const server = await opened(
      anHttpsServer((request, response) => {
        request.setEncoding('utf8').on('data', (text: string) => bodies.push(text));
        request.on('end', () => response.end('{}'));
      }),
    );
    const { transport } = await dial(clusterOf(server));
    await textOf(await transport(aRequest('/x', { method: 'DELETE', body: '{"preconditions":"ü"}' })));
    expect(bodies).toEqual(['{"preconditions":"ü"}']);
    expect(server.asked[0]?.headers).toMatchObject({ 'content-length': '22', 'content-type': 'application/json' });
  });

  test('unpacks gzip, also in pieces as they come', async () => {
    const text = 'pod '.repeat(100_000);
    const server = await opened(
      anHttpsServer((_, response) => {
        response.setHeader('content-encoding', 'gzip');
        response.end(gzipSync(text));
      }),
    );
    const { transport } = await dial(clusterOf(server));
    expect(await textOf(await transport(aRequest('/')))).toBe(text);
  });

  test.each([true, false])('notices a body that is cut off (gzip: %s)', async (zipped) => {
    const whole = Buffer.from('pod '.repeat(100_000));
    const body = zipped ? gzipSync(whole) : whole;
    const server = await opened(
      anHttpsServer((_, reply) => {
        if (zipped) reply.setHeader('content-encoding', 'gzip');
        reply.setHeader('content-length', body.byteLength);
        reply.write(body.subarray(0, body.byteLength / 2), () => reply.destroy());
      }),
    );
    const { transport } = await dial(clusterOf(server));
    const response = await transport(aRequest('/'));
    await expect(textOf(response)).rejects.toThrow();
  });

  test('does not ask for gzip where the kubeconfig forbids it', async () => {
    const server = await opened(anHttpsServer(hello));
    const { transport } = await dial(clusterOf(server, { 'disable-compression': true }));
    await textOf(await transport(aRequest('/')));
    expect(server.asked[0]?.headers['accept-encoding']).toBeUndefined();
  });

  test('never follows a redirect', async () => {
    const server = await opened(anHttpsServer((_, reply) => reply.writeHead(302, { location: '/elsewhere' }).end()));
    const { transport } = await dial(clusterOf(server), { token: 'secret-token' });
    const response = await transport(aRequest('/api'));
    expect(response).toMatchObject({ status: 302, headers: { location: '/elsewhere' } });
    await textOf(response);
    expect(server.asked).toHaveLength(1);
  });

  test('takes a switch to another protocol, which nobody asked for, for no answer', async () => {
    const switching = 'HTTP/1.1 101 Switching Protocols\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n\r\n';
    const server = await opened(anHttpsServer(({ socket }) => socket.write(switching)));
    const { transport } = await dial(clusterOf(server));
    expect(await problemOf(transport(aRequest('/')))).toMatchObject({
      kind: 'unreachable',
      what: 'the connection was closed without an answer',
    });
  });

  test("puts the path of the server's URL before every path", async () => {
    const server = await opened(anHttpsServer(hello));
    const { transport } = await dial({ ...clusterOf(server), server: `${server.url}/k8s/clusters/c-1/` });
    await textOf(await transport(aRequest('/api/v1/pods')));
    expect(server.asked[0]?.url).toBe('/k8s/clusters/c-1/api/v1/pods');
  });

  test('may be without TLS where the kubeconfig says http', async () => {
    const server = await opened(anHttpServer(hello));
    const { transport, warnings } = await dial({ server: server.url }, { token: 'secret-token' });
    expect(await textOf(await transport(aRequest('/')))).toBe('{"kind":"Status"}');
    expect(warnings).toHaveLength(1);
  });

  test('ends a request that is aborted, before and during its answer', async () => {
    let answer = (): void => undefined;
    const arrived = new Promise<void>((resolve) => {
      answer = resolve;
    });
    const server = await opened(
      anHttpsServer((request, reply) => {
        if (request.url === '/silent') answer();
        else reply.write('{');
      }),
    );
    const { transport } = await dial(clusterOf(server));
    const before = new AbortController();
    const waiting = transport(aRequest('/silent', { signal: before.signal }));
    await arrived;
    before.abort();
    await expect(waiting).rejects.toThrow('aborted');
    const during = new AbortController();
    const response = await transport(aRequest('/slow', { signal: during.signal }));
    const reading = textOf(response);
    during.abort();
    await expect(reading).rejects.toThrow();
  });
});

describe('TLS', () => {
  test.each<[string, () => Promise<Loopback>, (server: Loopback) => object, string]>([
    ['an unknown CA', () => anHttpsServer(hello), ({ url }) => ({ server: url }), 'UNABLE_TO_VERIFY_LEAF_SIGNATURE'],
    ['an expired certificate', () => anHttpsServer(hello, { expired: true }), clusterOf, 'CERT_HAS_EXPIRED'],
    [
      'another host name',
      () => anHttpsServer(hello, { hosts: ['api.example'] }),
      clusterOf,
      'ERR_TLS_CERT_ALTNAME_INVALID',
    ],
    [
      'a server without TLS',
      () => anHttpServer(hello),
      ({ port }) => ({ server: `https://127.0.0.1:${port}` }),
      'ERR_SSL_WRONG_VERSION_NUMBER',
    ],
  ])('with %s is refused and named', async (_, start, cluster, code) => {
    const server = await opened(start());
    const { transport } = await dial(cluster(server), { token: 'secret-token' });
    await expect(problemOf(transport(aRequest('/')))).resolves.toMatchObject({ kind: 'certificate', code });
  });

  test('with another name is fine where tls-server-name says it', async () => {
    const server = await opened(anHttpsServer(hello, { hosts: ['api.example'] }));
    const { transport } = await dial(clusterOf(server, { 'tls-server-name': 'api.example' }));
    await expect(transport(aRequest('/'))).resolves.toMatchObject({ status: 200 });
  });

  test('is not checked where the kubeconfig says so, and a warning says so', async () => {
    const server = await opened(anHttpsServer(hello));
    const { transport, warnings } = await dial({ server: server.url, 'insecure-skip-tls-verify': true });
    await expect(transport(aRequest('/'))).resolves.toMatchObject({ status: 200 });
    expect(warnings).toEqual([expect.stringContaining('not checked')]);
  });

  test('is checked whatever NODE_TLS_REJECT_UNAUTHORIZED says: nobody would warn of it', async () => {
    const server = await opened(anHttpsServer(hello));
    const kubeconfig = folder.write('config', aKubeconfig({ server: server.url }, { token: 'secret-token' }));
    const answer = await answerInAProcess(kubeconfig, { NODE_TLS_REJECT_UNAUTHORIZED: '0' });
    expect(answer).toBe('UNABLE_TO_VERIFY_LEAF_SIGNATURE');
    expect(server.asked).toEqual([]);
  });

  test('uses the CA of a file', async () => {
    const server = await opened(anHttpsServer(hello));
    folder.write('ca.crt', server.ca);
    const { transport } = await dial({ server: server.url, 'certificate-authority': 'ca.crt' });
    await expect(transport(aRequest('/'))).resolves.toMatchObject({ status: 200 });
  });

  test('trusts NODE_EXTRA_CA_CERTS beside the CA of the kubeconfig', async () => {
    const server = await opened(anHttpsServer(hello));
    const { ca: other } = await aClientCertificate();
    const kubeconfig = folder.write(
      'config',
      aKubeconfig({ server: server.url, 'certificate-authority-data': base64(other) }),
    );
    const env = { NODE_EXTRA_CA_CERTS: folder.write('extra.pem', server.ca) };
    await expect(answerInAProcess(kubeconfig, {})).resolves.toBe('UNABLE_TO_VERIFY_LEAF_SIGNATURE');
    await expect(answerInAProcess(kubeconfig, env)).resolves.toBe('200');
  });

  test('shows a client certificate, by data, file or plugin, and says when it is refused', async () => {
    const client = await aClientCertificate();
    const server = await opened(anHttpsServer(hello, { clientCa: client.ca }));
    const { certificate, key } = client;
    const byData = await dial(clusterOf(server), {
      'client-certificate-data': base64(certificate),
      'client-key-data': base64(key),
    });
    await expect(byData.transport(aRequest('/'))).resolves.toMatchObject({ status: 200 });
    expect(byData.secrets()).toEqual([base64(key), key]);
    expect(byData.warnings).toEqual([]);

    folder.write('client.crt', certificate);
    folder.write('client.key', key);
    const byFile = await dial(clusterOf(server), { 'client-certificate': 'client.crt', 'client-key': 'client.key' });
    await expect(byFile.transport(aRequest('/'))).resolves.toMatchObject({ status: 200 });
    expect(byFile.secrets()).toEqual([key]);

    const credential = {
      apiVersion: 'client.authentication.k8s.io/v1',
      kind: 'ExecCredential',
      status: { clientCertificateData: certificate, clientKeyData: key },
    };
    folder.write('plugin.mjs', `console.log(${JSON.stringify(JSON.stringify(credential))});`);
    const exec = {
      apiVersion: 'client.authentication.k8s.io/v1',
      command: process.execPath,
      args: [`${folder.path}/plugin.mjs`],
    };
    const byPlugin = await dial(clusterOf(server), { exec });
    await expect(byPlugin.transport(aRequest('/'))).resolves.toMatchObject({ status: 200 });
    expect(byPlugin.secrets()).toEqual([key.trim()]);

    const without = await dial(clusterOf(server));
    const problem = await problemOf(without.transport(aRequest('/')).then(textOf));
    expect(['certificate', 'unreachable']).toContain(problem.kind);
  });

  test('shows the new client certificate of a plugin when the old one is refused', async () => {
    const [old, renewed] = [await aClientCertificate(), await aClientCertificate()];
    const server = await opened(anHttpsServer(hello, { clientCa: renewed.ca }));
    const write = ({ certificate, key }: typeof old): void => {
      const status = { clientCertificateData: certificate, clientKeyData: key };
      const credential = { apiVersion: 'client.authentication.k8s.io/v1', kind: 'ExecCredential', status };
      folder.write('plugin.sh', `#!/bin/sh\ncat <<'END'\n${JSON.stringify(credential)}\nEND\n`);
    };
    write(old);
    const exec = { apiVersion: 'client.authentication.k8s.io/v1', command: './plugin.sh' };
    const { transport, renewCredentials } = await dial(clusterOf(server), { exec });
    await expect(transport(aRequest('/')).then(textOf)).rejects.toThrow();
    write(renewed);
    await renewCredentials();
    await expect(transport(aRequest('/'))).resolves.toMatchObject({ status: 200 });
  });

  test('reads the files of a client certificate anew when it is refused', async () => {
    const [old, renewed] = [await aClientCertificate(), await aClientCertificate()];
    const server = await opened(anHttpsServer(hello, { clientCa: renewed.ca }));
    const write = ({ certificate, key }: typeof old): void => {
      folder.write('client.crt', certificate);
      folder.write('client.key', key);
    };
    write(old);
    const user = { 'client-certificate': 'client.crt', 'client-key': 'client.key' };
    const { transport, renewCredentials } = await dial(clusterOf(server), user);
    await expect(transport(aRequest('/')).then(textOf)).rejects.toThrow();
    write(renewed);
    await renewCredentials();
    await expect(transport(aRequest('/'))).resolves.toMatchObject({ status: 200 });
  });

  test('with a client certificate that has expired on this clock is tried, and a warning says so', async () => {
    const { ca, certificate, key } = await aClientCertificate();
    const server = await opened(anHttpsServer(hello, { clientCa: ca }));
    const user = { 'client-certificate-data': base64(certificate), 'client-key-data': base64(key) };
    const clock = { ...systemClock, wallMs: () => Date.now() + 20 * 365 * 86_400_000 };
    const { transport, warnings } = await dial(clusterOf(server), user, { clock });
    await expect(transport(aRequest('/'))).resolves.toMatchObject({ status: 200 });
    expect(warnings).toEqual([expect.stringMatching(/^the client certificate of user "test" expired at/)]);
  });

  test.each(['pkcs8', 'pkcs1'] as const)('with a key that is encrypted says so (%s)', async (type) => {
    const { certificate } = await makeCertificates();
    const key = generateKeyPairSync('rsa', {
      modulusLength: 2_048,
      publicKeyEncoding: { type: 'spki', format: 'pem' },
      privateKeyEncoding: { type, format: 'pem', cipher: 'aes-256-cbc', passphrase: 'the passphrase' },
    }).privateKey;
    const user = { 'client-certificate-data': base64(certificate), 'client-key-data': base64(key) };
    await expect(dial({ server: 'https://a.example' }, user)).rejects.toThrow(
      /^the client key of the kubeconfig .* is encrypted, and there is nobody to ask for its passphrase; /,
    );
  });

  test('with a folder in place of a certificate says so', async () => {
    const kubeconfig = folder.write(
      'config',
      aKubeconfig({ server: 'https://a', 'certificate-authority': folder.path }),
    );
    await expect(connect({ kubeconfig, context: null, env: {} }, new AbortController().signal)).rejects.toThrow(
      `names the file ${folder.path}, which cannot be read: EISDIR`,
    );
  });

  test('with certificates that are none says where they stand', async () => {
    const server = await opened(anHttpsServer(hello));
    const user = { 'client-certificate-data': base64('nonsense'), 'client-key-data': base64('nonsense') };
    const { transport } = await dial(clusterOf(server), user);
    await expect(problemOf(transport(aRequest('/')))).resolves.toMatchObject({
      kind: 'certificate',
      what: expect.stringContaining('of the kubeconfig'),
    });
  });
});

describe('credentials', () => {
  test.each<[string, object, object]>([
    ['a token', { token: 'secret-token' }, { authorization: 'Bearer secret-token' }],
    [
      'a name and a password',
      { username: 'me', password: 12_345_678 },
      { authorization: `Basic ${base64('me:12345678')}` },
    ],
    [
      'impersonation',
      { token: 'secret-token', as: 'other', 'as-groups': ['a', 'b'], 'as-user-extra': { 'example.com/x': ['y'] } },
      {
        authorization: 'Bearer secret-token',
        'impersonate-user': 'other',
        'impersonate-group': 'a, b',
        'impersonate-extra-example.com%2fx': 'y',
      },
    ],
    ['nothing', {}, {}],
  ])('of %s are sent', async (_, user, headers) => {
    const server = await opened(anHttpsServer(hello));
    const { transport } = await dial(clusterOf(server), user);
    await textOf(await transport(aRequest('/')));
    expect(server.asked[0]?.headers).toMatchObject(headers);
    if (Object.keys(headers).length === 0) expect(server.asked[0]?.headers.authorization).toBeUndefined();
  });

  test('of a token file are read again when they are renewed', async () => {
    const server = await opened(anHttpsServer(hello));
    folder.write('token', 'first-token\n');
    const { transport, renewCredentials, secrets } = await dial(clusterOf(server), { tokenFile: 'token' });
    await textOf(await transport(aRequest('/')));
    folder.write('token', 'second-token\n');
    await textOf(await transport(aRequest('/')));
    await renewCredentials();
    await textOf(await transport(aRequest('/')));
    expect(server.asked.map(({ headers }) => headers.authorization)).toEqual([
      'Bearer first-token',
      'Bearer first-token',
      'Bearer second-token',
    ]);
    expect(secrets()).toEqual(['first-token', 'second-token']);
  });

  test('of a token file that is missing are none, and the file is named', async () => {
    await expect(dial({ server: 'https://api.example' }, { tokenFile: 'nowhere' })).rejects.toMatchObject({
      reason: 'CredentialsFailed',
      message: expect.stringMatching(/the token file .*nowhere of user "test" cannot be read: ENOENT/),
    });
  });

  test('of an OIDC provider are those of the kubeconfig while they last', async () => {
    const server = await opened(anHttpsServer(hello));
    const part = (value: object): string => Buffer.from(JSON.stringify(value)).toString('base64url');
    const idToken = `${part({ alg: 'none' })}.${part({ exp: Math.floor(Date.now() / 1_000) + 3_600 })}.signature`;
    const provider = { name: 'oidc', config: { 'id-token': idToken, 'refresh-token': 'refresh-me' } };
    const { transport, secrets } = await dial(clusterOf(server), { 'auth-provider': provider });
    await textOf(await transport(aRequest('/')));
    await textOf(await transport(aRequest('/')));
    expect(server.asked[0]?.headers.authorization).toBe(`Bearer ${idToken}`);
    expect(server.connections()).toBe(1);
    expect(secrets()).toEqual(expect.arrayContaining([idToken, 'refresh-me']));
  });

  test('of an auth provider that fails are explained without its words', async () => {
    const provider = {
      name: 'gcp',
      config: { 'cmd-path': '/bin/false', 'access-token': 'secret-token', expiry: '2001-01-01T00:00:00Z' },
    };
    const failing = dial({ server: 'https://api.example' }, { 'auth-provider': provider });
    await expect(failing).rejects.toMatchObject({
      reason: 'CredentialsFailed',
      message: expect.stringContaining('"gcp"'),
    });
    await expect(failing).rejects.not.toMatchObject({ message: expect.stringContaining('secret-token') });
  });
});

describe('secrets are told', () => {
  test('before anything is tried with them: a login that fails may repeat them', async () => {
    const masked: string[] = [];
    const user = {
      token: 'secret-token',
      exec: { command: '/no/such/plugin', env: [{ name: 'CLIENT_SECRET', value: 'the-secret' }] },
    };
    const env = { HTTPS_PROXY: 'http://me:hunter2@proxy' };
    const mask = (secret: string): unknown => masked.push(secret);
    await expect(dial({ server: 'https://api.example' }, user, { env, mask })).rejects.toThrow('is not there');
    expect(masked).toEqual(['secret-token', 'the-secret', 'hunter2', base64('me:hunter2')]);
  });

  test('once each, and not when they are as short as a word', async () => {
    const masked: string[] = [];
    const mask = (secret: string): unknown => masked.push(secret);
    const server = await opened(anHttpsServer(hello));
    const { transport, renewCredentials } = await dial(clusterOf(server), { token: 'secret-token' }, { mask });
    await renewCredentials();
    await textOf(await transport(aRequest('/')));
    await dial(clusterOf(server), { token: 'abcde' }, { mask });
    expect(masked).toEqual(['secret-token']);
  });
});

describe('a run that ends', () => {
  test('does not wait for a kubeconfig that comes through a pipe from nobody', async () => {
    const kubeconfig = join(folder.path, 'pipe');
    await promisify(execFile)('mkfifo', [kubeconfig]);
    const end = new AbortController();
    const connecting = connect({ kubeconfig, context: null, env: {} }, end.signal);
    end.abort();
    await expect(connecting).rejects.toMatchObject({
      name: 'ConnectError',
      message: expect.stringMatching(/^the kubeconfig had not been read when the run ended; a file, pipe or program/),
    });
    // Lets the thread go that waits for a writer.
    await writeFile(kubeconfig, '');
  });

  test.each([
    [
      'a token file that is a pipe',
      { tokenFile: 'pipe', password: 'the-secret' },
      /^there were no credentials yet when the run ended; a file, pipe or program that the kubeconfig names may not answer$/,
    ],
    [
      'a plugin',
      {
        exec: {
          ...{ apiVersion: 'client.authentication.k8s.io/v1', command: './plugin.sh' },
          env: [{ name: 'CLIENT_SECRET', value: 'the-secret' }],
        },
      },
      /^exec plugin ".*plugin.sh" of user "test" (?:was not run: the run ends|had not finished when the run ended, and was)/,
    ],
  ])('says what it waited for: %s', async (_, user, words) => {
    folder.write('plugin.sh', '#!/bin/sh\nexec sleep 60\n');
    await promisify(execFile)('mkfifo', [join(folder.path, 'pipe')]);
    const kubeconfig = folder.write('config', aKubeconfig({ server: 'https://api.example' }, user));
    const end = new AbortController();
    // What the kubeconfig holds is masked before the rest is looked for.
    const mask = (): unknown => setImmediate(() => end.abort());
    const connecting = connect({ kubeconfig, context: null, env: process.env, mask }, end.signal);
    await expect(connecting).rejects.toMatchObject({ name: 'ConnectError', message: expect.stringMatching(words) });
    // Lets the thread go that waits for a writer.
    if ('tokenFile' in user) await writeFile(join(folder.path, 'pipe'), '');
  });

  test.each<[string, object, object]>([
    ['an authority', { 'certificate-authority': 'pipe' }, {}],
    ['a client certificate', {}, { 'client-certificate': 'pipe', 'client-key': 'pipe' }],
    ['a client key', {}, { 'client-certificate-data': base64('a'), 'client-key': 'pipe' }],
  ])('does not wait for %s that comes through a pipe from nobody', async (_, cluster, user) => {
    await promisify(execFile)('mkfifo', [join(folder.path, 'pipe')]);
    const kubeconfig = folder.write('config', aKubeconfig({ server: 'https://api.example', ...cluster }, user));
    // In a process of its own, which ends in any case: a file may also be read so that nothing else happens meanwhile.
    const script = folder.write(
      'child.ts',
      `import { connect } from ${JSON.stringify(new URL('../../src/cluster/connection.ts', import.meta.url).href)};
      const end = new AbortController();
      setTimeout(() => end.abort(), 100);
      await connect({ kubeconfig: ${JSON.stringify(kubeconfig)}, context: null, env: {} }, end.signal).catch(
        ({ message }) => console.log(message),
      );
      process.kill(process.pid, 'SIGKILL');`,
    );
    // One of its threads waits for a writer: it ends by being killed.
    const run = promisify(execFile)(process.execPath, [script], { timeout: 20_000, killSignal: 'SIGKILL' });
    const { stdout } = await run.catch((killed: { readonly stdout: string }) => killed);
    expect(stdout).toMatch(/^there were no credentials yet when the run ended; a file, pipe or program/);
  });

  test.each([
    ['without end', '/dev/zero', /names the file \/dev\/zero, which cannot be read: it is larger than 4194304 bytes$/],
    ['that is empty', '/dev/null', /names the file \/dev\/null, which cannot be read: it is empty$/],
  ])('does not begin with a certificate file %s', async (_, path, words) => {
    await expect(dial({ server: 'https://a.example', 'certificate-authority': path })).rejects.toThrow(words);
  });

  test('does not wait for credentials that never come', async () => {
    const server = new URL('https://api.example');
    const dialing = (): Promise<never> => new Promise(() => undefined);
    const transport = createHttpsTransport({ server, dial: dialing, proxy: null, compress: false });
    const end = new AbortController();
    const asking = transport(aRequest('/', { signal: end.signal }));
    end.abort();
    await expect(asking).rejects.toThrow('the run ended');
  });
});

test.each([
  'https://me:secret-password@api.example',
  'https://:secret-password@api.example',
  'https://api.example/?token=secret-password',
])('a server with credentials in its URL, %s, is refused without repeating it', async (server) => {
  const refused = dial({ server });
  await expect(refused).rejects.toMatchObject({
    reason: 'KubeconfigInvalid',
    message: expect.stringMatching(/no credentials/),
  });
  await expect(refused).rejects.not.toMatchObject({ message: expect.stringContaining('secret-password') });
});

describe('a proxy', () => {
  test('may be asked over TLS itself, and its certificate is checked', async () => {
    const server = await opened(anHttpsServer(hello, { hosts: ['api.example'] }));
    const proxy = await opened(aTlsProxy(() => server.port));
    const cluster = clusterOf(server, { server: 'https://api.example:6443', 'proxy-url': proxy.url });
    const { transport } = await dial(cluster);
    await expect(problemOf(transport(aRequest('/')))).resolves.toMatchObject({
      ...{ kind: 'certificate', code: 'UNABLE_TO_VERIFY_LEAF_SIGNATURE' },
      what: expect.stringContaining(`(through the proxy ${proxy.url})`),
    });
    expect(proxy.tunnels).toEqual([]);
  });

  test('leads to an https server, is logged in to, and is kept alive', async () => {
    const server = await opened(anHttpsServer(hello, { hosts: ['api.example'] }));
    const proxy = await opened(aProxy(() => server.port));
    const cluster = clusterOf(server, { server: 'https://api.example:6443' });
    const env = { HTTPS_PROXY: proxy.url.replace('http://', 'http://me:p%40ss-word@') };
    const { transport, secrets } = await dial(cluster, {}, { env });
    for (let round = 0; round < 3; round += 1)
      expect(await textOf(await transport(aRequest('/')))).toBe('{"kind":"Status"}');
    expect(proxy.tunnels).toEqual([`api.example:6443 Basic ${base64('me:p@ss-word')}`]);
    expect(server.asked[0]?.headers.host).toBe('api.example:6443');
    expect(secrets()).toEqual(['p@ss-word', 'p%40ss-word', base64('me:p@ss-word')]);
  });

  describe('on the way to an IPv6 address', () => {
    test('is asked for it in brackets, and the certificate is checked for the address', async () => {
      const server = await opened(anHttpsServer(hello, { hosts: ['fd00::1'] }));
      const proxy = await opened(aProxy(() => server.port));
      const { transport } = await dial(clusterOf(server, { server: 'https://[fd00::1]:6443', 'proxy-url': proxy.url }));
      for (let round = 0; round < 2; round += 1)
        expect(await textOf(await transport(aRequest('/')))).toBe('{"kind":"Status"}');
      expect(proxy.tunnels).toEqual(['[fd00::1]:6443 -']);
      expect(server.asked[0]?.headers.host).toBe('[fd00::1]:6443');
    });

    test('does not let a certificate of another address pass', async () => {
      const server = await opened(anHttpsServer(hello, { hosts: ['fd00::2'] }));
      const proxy = await opened(aProxy(() => server.port));
      const { transport } = await dial(clusterOf(server, { server: 'https://[fd00::1]:6443', 'proxy-url': proxy.url }));
      await expect(problemOf(transport(aRequest('/')))).resolves.toMatchObject({
        kind: 'certificate',
        code: 'ERR_TLS_CERT_ALTNAME_INVALID',
      });
    });

    test('lets tls-server-name say what the certificate is for', async () => {
      const server = await opened(anHttpsServer(hello, { hosts: ['api.example'] }));
      const proxy = await opened(aProxy(() => server.port));
      const cluster = { server: 'https://[fd00::1]:6443', 'proxy-url': proxy.url, 'tls-server-name': 'api.example' };
      const { transport } = await dial(clusterOf(server, cluster));
      await expect(transport(aRequest('/'))).resolves.toMatchObject({ status: 200 });
    });

    test('is asked for a server without TLS in the same way', async () => {
      const server = await opened(anHttpServer(hello));
      const proxy = await opened(aProxy(() => server.port));
      const { transport } = await dial({ server: 'http://[fd00::1]:8080', 'proxy-url': proxy.url });
      await expect(transport(aRequest('/'))).resolves.toMatchObject({ status: 200 });
      expect(proxy.tunnels).toEqual(['[fd00::1]:8080 -']);
    });
  });

  test.each(['http', 'https'])('may itself be at an IPv6 address: %s', async (scheme) => {
    const server = await opened(anHttpsServer(hello, { hosts: ['api.example'] }));
    const listen = { host: '::1', hosts: ['::1'] };
    const target = (): number => server.port;
    const proxy = await opened(scheme === 'http' ? aProxy(target, undefined, listen) : aTlsProxy(target, listen));
    const ca = base64(`${server.ca}\n${proxy.ca}`);
    const cluster = { server: 'https://api.example:6443', 'certificate-authority-data': ca };
    const { transport } = await dial({ ...cluster, 'proxy-url': `${scheme}://[::1]:${proxy.port}` });
    const answered = transport(aRequest('/'));
    if (scheme === 'http') await expect(answered).resolves.toMatchObject({ status: 200 });
    // The kubeconfig's authority is the API server's, not the proxy's.
    else await expect(problemOf(answered)).resolves.toMatchObject({ code: 'UNABLE_TO_VERIFY_LEAF_SIGNATURE' });
  });

  test('of the kubeconfig goes before the environment', async () => {
    const server = await opened(anHttpsServer(hello, { hosts: ['api.example'] }));
    const proxy = await opened(aProxy(() => server.port));
    const cluster = clusterOf(server, { server: 'https://api.example:6443', 'proxy-url': proxy.url });
    const { transport } = await dial(cluster, {}, { env: { HTTPS_PROXY: 'http://127.0.0.1:1', NO_PROXY: '*' } });
    await expect(transport(aRequest('/'))).resolves.toMatchObject({ status: 200 });
  });

  test('is not used for servers that NO_PROXY names', async () => {
    const server = await opened(anHttpsServer(hello));
    const proxy = await opened(aProxy(() => server.port));
    const { transport } = await dial(
      clusterOf(server),
      {},
      { env: { https_proxy: proxy.url, no_proxy: '127.0.0.0/8' } },
    );
    await expect(transport(aRequest('/'))).resolves.toMatchObject({ status: 200 });
    expect(proxy.tunnels).toEqual([]);
  });

  test.each<[number, string, string]>([
    [407, 'not-kubernetes', 'ERR_PROXY_REFUSED'],
    [403, 'not-kubernetes', 'ERR_PROXY_REFUSED'],
    [502, 'unreachable', 'ERR_PROXY_FAILED'],
  ])('that answers %i is named, without its password', async (status, kind, code) => {
    const proxy = await opened(aProxy(() => 1, status));
    const env = { HTTPS_PROXY: proxy.url.replace('http://', 'http://me:secret@') };
    const { transport } = await dial({ server: 'https://api.example:6443' }, {}, { env });
    const problem = await problemOf(transport(aRequest('/')));
    expect(problem).toMatchObject({ kind, code });
    expect(problem.what).toContain(`it answered ${status} (through the proxy ${proxy.url})`);
    expect(JSON.stringify(problem)).not.toContain('secret');
  });

  test('that is not there is named', async () => {
    const { transport } = await dial(
      { server: 'https://api.example:6443' },
      {},
      { env: { HTTPS_PROXY: 'http://127.0.0.1:1' } },
    );
    await expect(problemOf(transport(aRequest('/')))).resolves.toMatchObject({
      kind: 'unreachable',
      code: 'ECONNREFUSED',
      what: 'the connection was refused (through the proxy http://127.0.0.1:1)',
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
    const port = (server.address() as { readonly port: number }).port;
    const { transport } = await dial(
      { server: 'https://api.example:6443' },
      {},
      { env: { HTTPS_PROXY: `http://127.0.0.1:${port}` } },
    );
    const end = new AbortController();
    const waiting = transport(aRequest('/', { signal: end.signal }));
    await arrived;
    end.abort();
    await expect(waiting).rejects.toThrow('aborted');
  });
});
