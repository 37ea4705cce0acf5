import { mkdirSync } from 'node:fs';
import { delimiter, join } from 'node:path';
import { afterEach, beforeEach, describe, expect, test } from '@jest/globals';
import { type ConnectError, isConnectError } from '../../src/cluster/connect-error.ts';
import { type Connection, type ConnectOptions, connect } from '../../src/cluster/connection.ts';
import { aFolder, aKubeconfig, type Folder } from './loopback.ts';

let folder: Folder;
beforeEach(() => {
  folder = aFolder();
});
afterEach(() => folder.remove());

const signal = new AbortController().signal;

async function dial(options: Partial<ConnectOptions>): Promise<Connection> {
  const connection = await connect({ kubeconfig: null, context: null, env: {}, ...options }, signal);
  connection.close();
  return connection;
}

async function failure(options: Partial<ConnectOptions>): Promise<ConnectError> {
  const error = await dial(options).catch((rejection: unknown) => rejection);
  if (!isConnectError(error)) throw new Error(`no ConnectError: ${String(error)}`);
  return error;
}

const TOKEN = 'secret-token-0123456789';
const cluster = (name: string): object => ({ server: `https://${name}.example:6443` });

describe('the cluster is found', () => {
  test('in the file that is given', async () => {
    const path = folder.write('config', aKubeconfig(cluster('given'), { token: TOKEN }));
    const env = { KUBECONFIG: folder.write('other', aKubeconfig(cluster('other'))) };
    const connection = await dial({ kubeconfig: path, env });
    expect(connection).toMatchObject({
      server: 'https://given.example:6443',
      context: 'test',
      source: `kubeconfig ${path}`,
      warnings: [],
    });
    expect(connection.secrets()).toEqual([TOKEN]);
  });

  test('in KUBECONFIG before the home folder, merged as kubectl merges: the first file wins', async () => {
    const first = folder.write(
      '1',
      JSON.stringify({ 'current-context': 'b', clusters: [{ name: 'c', cluster: cluster('first') }] }),
    );
    const second = folder.write(
      '2',
      JSON.stringify({
        'current-context': 'a',
        clusters: [{ name: 'c', cluster: cluster('second') }],
        contexts: [{ name: 'b', context: { cluster: 'c', user: 'u' } }],
        users: [{ name: 'u', user: { token: TOKEN } }],
      }),
    );
    const missing = join(folder.path, 'missing');
    const env = { KUBECONFIG: ['', missing, first, second].join(delimiter), HOME: '/nowhere' };
    await expect(dial({ env })).resolves.toMatchObject({ server: 'https://first.example:6443', context: 'b' });
  });

  test('in the home folder, if it has contexts', async () => {
    mkdirSync(join(folder.path, '.kube'));
    folder.write('.kube/config', aKubeconfig(cluster('home')));
    const env = { HOME: folder.path, KUBECONFIG: '' };
    await expect(dial({ env })).resolves.toMatchObject({ server: 'https://home.example:6443' });
    folder.write('.kube/config', '');
    await expect(failure({ env })).resolves.toMatchObject({
      reason: 'KubeconfigNotFound',
      message: expect.stringContaining('has no contexts'),
    });
  });

  test('by the service account of the pod that this runs in', async () => {
    folder.write('token', `${TOKEN}\n`);
    folder.write('ca.crt', 'PEM');
    const env = { KUBERNETES_SERVICE_HOST: 'fd00::1', KUBERNETES_SERVICE_PORT: '443', NODE_NAME: 'n7' };
    const connection = await dial({ env, serviceAccountFolder: folder.path });
    expect(connection).toMatchObject({
      server: 'https://[fd00::1]:443',
      context: '',
      source: 'in-cluster service account',
      runsOnNode: 'n7',
      runsInPod: null,
    });
    expect(connection.secrets()).toEqual([TOKEN]);
  });

  test('or everything that was tried is said, and localhost is not asked', async () => {
    const { reason, message } = await failure({ env: { HOME: folder.path }, serviceAccountFolder: folder.path });
    expect(reason).toBe('KubeconfigNotFound');
    expect(message).toContain('KUBECONFIG: not set');
    expect(message).toContain(join(folder.path, '.kube', 'config'));
    expect(message).toContain('in-cluster service account');
    expect(message).not.toContain('localhost');
  });

  test('nowhere else when KUBECONFIG names only files that are not there', async () => {
    mkdirSync(join(folder.path, '.kube'));
    folder.write('.kube/config', aKubeconfig(cluster('home')));
    const { reason, message } = await failure({ env: { HOME: folder.path, KUBECONFIG: '/nowhere/config' } });
    expect(reason).toBe('KubeconfigNotFound');
    expect(message).toContain('/nowhere/config');
  });

  test('never in a KUBECONFIG that holds the content of a file, which is not repeated', async () => {
    const content = `apiVersion: v1\nusers:\n- user:\n    token: ${TOKEN}\n`;
    const { reason, message } = await failure({ env: { KUBECONFIG: content } });
    expect(reason).toBe('KubeconfigInvalid');
    expect(message).toContain('write it to a file');
    expect(message).not.toContain(TOKEN);
  });
});

describe('a context', () => {
  test('that is asked for is used, whatever the current one is', async () => {
    const text = JSON.parse(aKubeconfig(cluster('a'))) as { contexts: object[]; clusters: object[] };
    text.clusters.push({ name: 'b', cluster: cluster('b') });
    text.contexts.push({ name: 'other', context: { cluster: 'b', user: '' } });
    const path = folder.write('config', JSON.stringify(text));
    await expect(dial({ kubeconfig: path, context: 'other' })).resolves.toMatchObject({
      server: 'https://b.example:6443',
    });
    const { reason, message } = await failure({ kubeconfig: path, context: 'nope' });
    expect(reason).toBe('ContextNotFound');
    expect(message).toContain('"test", "other"');
  });

  test.each<[string, object, RegExp]>([
    ['without a current one', { 'current-context': '' }, /no current context; set `context` to "test"/],
    ['of a cluster that is missing', { clusters: [] }, /cluster "test", which it does not have/],
    ['of a cluster without a server', { clusters: [{ name: 'test', cluster: {} }] }, /which has no server/],
    ['of a user that is missing', { users: [] }, /user "test", which it does not have/],
    [
      'of a server that is no URL',
      { clusters: [{ name: 'test', cluster: { server: 'api.example:6443' } }] },
      /must begin with https/,
    ],
  ])('%s is explained', async (_, change, words) => {
    const text = { ...(JSON.parse(aKubeconfig(cluster('a'))) as object), ...change };
    const { message } = await failure({ kubeconfig: folder.write('config', JSON.stringify(text)) });
    expect(message).toMatch(words);
  });
});

describe('what stands in a file twice', () => {
  test('is the last one where it is a key, as for kubectl', async () => {
    const path = folder.write('config', aKubeconfig(cluster('a')).replace('{', '{"current-context":"nope",'));
    await expect(dial({ kubeconfig: path })).resolves.toMatchObject({ server: 'https://a.example:6443' });
  });

  test.each([
    ['cluster', 'clusters'],
    ['user', 'users'],
    ['context', 'contexts'],
  ])('is refused where it is the name of a %s: it could be another one than is meant', async (what, list) => {
    const text = JSON.parse(aKubeconfig(cluster('a'))) as Record<string, object[]>;
    const path = folder.write(
      'config',
      JSON.stringify({ ...text, [list]: [...(text[list] ?? []), ...(text[list] ?? [])] }),
    );
    const { reason, message } = await failure({ kubeconfig: path });
    expect(reason).toBe('KubeconfigInvalid');
    expect(message).toBe(`the kubeconfig ${path} cannot be read: it has two ${what}s with the name "test"`);
  });
});

describe('a file that is no kubeconfig', () => {
  test.each<[string, string, RegExp]>([
    ['broken YAML', `users:\n- user: {token: ${TOKEN}\n  broken: [`, /it is no YAML \(line \d+\)/],
    ['a word', TOKEN, /no kubeconfig/],
    ['a list', `- ${TOKEN}`, /no kubeconfig/],
    ['nothing', '', /no current context/],
  ])('such as %s is refused without repeating it', async (_, text, words) => {
    const path = folder.write('config', text);
    const error = await failure({ kubeconfig: path });
    expect(error.message).toMatch(words);
    expect(`${error.message} ${String(error.cause)}`).not.toContain(TOKEN);
  });

  test('such as a folder is refused', async () => {
    await expect(failure({ kubeconfig: folder.path })).resolves.toMatchObject({ reason: 'KubeconfigInvalid' });
  });

  test('and one that is not there is named', async () => {
    const { message } = await failure({ kubeconfig: '/nowhere/config' });
    expect(message).toContain('"/nowhere/config": there is no such file');
  });
});

test.each<[object, RegExp]>([
  [{ server: 'https://a.example', 'insecure-skip-tls-verify': true }, /insecure-skip-tls-verify/],
  [{ server: 'http://a.example' }, /without TLS/],
])('a connection that is not safe is warned of: %j', async (unsafe, words) => {
  const { warnings } = await dial({ kubeconfig: folder.write('config', aKubeconfig(unsafe)) });
  expect(warnings).toEqual([expect.stringMatching(words)]);
});

test('a certificate file that is not there is named', async () => {
  const path = folder.write('config', aKubeconfig({ ...cluster('a'), 'certificate-authority': 'pki/ca.crt' }));
  const { reason, message } = await failure({ kubeconfig: path });
  expect(reason).toBe('KubeconfigInvalid');
  expect(message).toContain(join(folder.path, 'pki', 'ca.crt'));
});
