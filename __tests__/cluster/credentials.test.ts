import { readFileSync, rmSync, symlinkSync } from 'node:fs';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, test } from '@jest/globals';
import { createVirtualClock, type VirtualClock } from '../../simulator/virtual-clock.ts';
import { isConnectError } from '../../src/cluster/connect-error.ts';
import { type CredentialSource, createCredentialSource } from '../../src/cluster/credentials.ts';
import { findTarget } from '../../src/cluster/kubeconfig-source.ts';
import { aFolder, aKubeconfig, type Folder } from './loopback.ts';

let folder: Folder;
let clock: VirtualClock;
let masked: string[];
beforeEach(() => {
  folder = aFolder();
  clock = createVirtualClock();
  masked = [];
});
afterEach(() => folder.remove());

async function credentialsOf(user: object): Promise<CredentialSource> {
  const kubeconfig = folder.write('config', aKubeconfig({ server: 'https://api.example' }, user));
  const target = await findTarget({ kubeconfig, context: null, env: {} });
  const { signal } = new AbortController();
  return createCredentialSource({
    ...{ target, env: process.env, clock, signal },
    mask: (secret) => {
      if (!masked.includes(secret)) masked.push(secret);
    },
  });
}

async function authorizationOf(source: CredentialSource): Promise<unknown> {
  return (await source.current()).headers.Authorization;
}

async function failureOf(promise: Promise<unknown>): Promise<string> {
  const error = await promise.catch((rejection: unknown) => rejection);
  if (!isConnectError(error)) throw new Error(`no ConnectError: ${String(error)}`);
  return error.message;
}

describe('a token file', () => {
  test('is read again a minute later: kubelets replace the token of a pod', async () => {
    folder.write('token', 'first-token\n');
    const source = await credentialsOf({ tokenFile: 'token' });
    expect(await authorizationOf(source)).toBe('Bearer first-token');
    folder.write('token', 'second-token\n');
    await clock.advance(59_000);
    expect(await authorizationOf(source)).toBe('Bearer first-token');
    await clock.advance(1_000);
    expect(await authorizationOf(source)).toBe('Bearer second-token');
  });

  test('gives tokens that are masked as soon as they are read', async () => {
    folder.write('token', 'first-token\n');
    const source = await credentialsOf({ tokenFile: 'token' });
    await source.current();
    folder.write('token', 'second-token\n');
    await clock.advance(60_000);
    await source.current();
    expect(masked).toEqual(['first-token', 'second-token']);
  });

  test('that is away for a while leaves the last token in use, until the server refuses it', async () => {
    folder.write('token', 'first-token\n');
    const source = await credentialsOf({ tokenFile: 'token' });
    await source.current();
    rmSync(join(folder.path, 'token'));
    await clock.advance(60_000);
    expect(await authorizationOf(source)).toBe('Bearer first-token');
    await expect(failureOf(source.renew())).resolves.toMatch(/^the token file .* cannot be read: ENOENT$/);
    folder.write('token', 'second-token\n');
    await clock.advance(60_000);
    expect(await authorizationOf(source)).toBe('Bearer second-token');
  });

  test.each(['', ' \n'])('that is empty (%j) is no token', async (text) => {
    folder.write('token', text);
    const source = await credentialsOf({ tokenFile: 'token' });
    await expect(failureOf(source.current())).resolves.toMatch(/cannot be read: it is empty$/);
  });

  test.each([
    ['is larger than any token', () => folder.write('token', 'a'.repeat(1_048_577))],
    ['has no end', () => symlinkSync('/dev/zero', join(folder.path, 'token'))],
  ])('that %s is none', async (_, make) => {
    make();
    const source = await credentialsOf({ tokenFile: 'token' });
    await expect(failureOf(source.current())).resolves.toMatch(/cannot be read: it is larger than 1048576 bytes$/);
    expect(masked).toEqual([]);
  });

  test('goes before a token, which stands in for it', async () => {
    folder.write('token', 'of-the-file\n');
    const source = await credentialsOf({ tokenFile: 'token', token: 'of-the-kubeconfig' });
    expect(await authorizationOf(source)).toBe('Bearer of-the-file');
    rmSync(join(folder.path, 'token'));
    await source.renew();
    expect(await authorizationOf(source)).toBe('Bearer of-the-kubeconfig');
  });
});

describe('a renewal ahead of time', () => {
  /** A plugin that answers from a file, and counts how often it was asked. */
  async function aPlugin(answer: (name: string) => void): Promise<CredentialSource> {
    answer('status');
    folder.write('plugin.sh', '#!/bin/sh\necho run >> "$FOLDER/runs"\ncat "$FOLDER/status"\n');
    return await credentialsOf({
      exec: {
        ...{ apiVersion: 'client.authentication.k8s.io/v1', command: './plugin.sh' },
        env: [{ name: 'FOLDER', value: folder.path }],
      },
    });
  }
  const answering =
    (token: string, expiresInMs: number) =>
    (name: string): void => {
      const expirationTimestamp = new Date(clock.wallMs() + expiresInMs).toISOString();
      const credential = {
        ...{ apiVersion: 'client.authentication.k8s.io/v1', kind: 'ExecCredential' },
        status: { token, expirationTimestamp },
      };
      folder.write(name, JSON.stringify(credential));
    };
  const runs = (): number => readFileSync(join(folder.path, 'runs'), 'utf8').split('\n').length - 1;

  test('masks what it obtained before anybody uses it', async () => {
    const source = await aPlugin(answering('first-token', 600_000));
    await source.current();
    answering('second-token', 600_000)('status');
    await clock.advance(550_000);
    expect(await authorizationOf(source)).toBe('Bearer second-token');
    expect(masked).toEqual(['first-token', 'second-token']);
  });

  test('that fails is not tried again with every request', async () => {
    const source = await aPlugin(answering('first-token', 600_000));
    await source.current();
    folder.write('status', 'garbage');
    await clock.advance(545_000);
    for (let request = 0; request < 5; request += 1) expect(await authorizationOf(source)).toBe('Bearer first-token');
    expect(runs()).toBe(2);
    await clock.advance(20_000);
    await source.current();
    expect(runs()).toBe(3);
    await clock.advance(40_000);
    await expect(failureOf(source.current())).resolves.toContain('printed no ExecCredential');
  });
});

describe('what cannot be sent is refused at once, and not repeated', () => {
  test.each<[string, object, RegExp]>([
    ['a token of two lines', { token: 'secret-token\nsecond-line' }, /^the token of user "test" holds a character/],
    ['a token beyond Latin-1', { token: 'secret-tøken-€' }, /^the token of user "test" holds a character/],
    ['a name to impersonate', { as: 'somebody\n' }, /^the header Impersonate-User of user "test" holds a character/],
    ['a group to impersonate', { as: 'me', 'as-groups': ['€'] }, /^the header Impersonate-Group of user "test" holds/],
  ])('%s', async (_, user, words) => {
    const message = await failureOf((await credentialsOf(user)).current());
    expect(message).toMatch(words);
    expect(message).not.toContain('secret-t');
  });

  test.each(['with blanks in it', 'tøken', '"quoted"'])('but not the token %j', async (token) => {
    expect(await authorizationOf(await credentialsOf({ token }))).toBe(`Bearer ${token}`);
  });
});

test('what stands in the kubeconfig is masked before anything is tried', async () => {
  await credentialsOf({
    exec: {
      command: 'kubelogin',
      args: ['--client-secret=the-secret'],
      env: [{ name: 'MY_TOKEN', value: 'my-token' }],
    },
  });
  expect(masked).toEqual(['my-token', 'the-secret']);
});
