import { chmodSync, readFileSync } from 'node:fs';
import { readFile } from 'node:fs/promises';
import { setImmediate } from 'node:timers/promises';
import { afterEach, beforeEach, describe, expect, test } from '@jest/globals';
import { createVirtualClock, type VirtualClock } from '../../simulator/virtual-clock.ts';
import { type Clock, systemClock } from '../../src/clock.ts';
import { isConnectError } from '../../src/cluster/connect-error.ts';
import { type CredentialSource, createCredentialSource } from '../../src/cluster/credentials.ts';
import { EXEC_TIMEOUT_MS, LAST_OUTPUT_MS } from '../../src/cluster/exec-plugin.ts';
import { findTarget } from '../../src/cluster/kubeconfig-source.ts';
import { aFolder, aKubeconfig, base64, type Folder } from './loopback.ts';

let folder: Folder;
let end: AbortController;
let masked: Set<string>;
beforeEach(() => {
  folder = aFolder();
  end = new AbortController();
  masked = new Set();
});
afterEach(() => {
  end.abort();
  folder.remove();
});

const VERSION = 'client.authentication.k8s.io/v1';

/** Credentials by a plugin that is a Node script; `RUNS` is a file that gets a line from each run. */
function pluginOf(
  script: string,
  exec: object = {},
  clock: Clock = systemClock,
  cluster: object = {},
): Promise<CredentialSource> {
  const path = folder.write(
    'plugin.mjs',
    `import { appendFileSync } from 'node:fs';\nappendFileSync(${JSON.stringify(runsFile())}, 'run\\n');\n${script}`,
  );
  return sourceOf(
    { apiVersion: VERSION, command: process.execPath, args: [path], interactiveMode: 'Never', ...exec },
    clock,
    cluster,
  );
}

async function sourceOf(exec: object, clock: Clock = systemClock, cluster: object = {}): Promise<CredentialSource> {
  const kubeconfig = folder.write('config', aKubeconfig({ server: 'https://api.example', ...cluster }, { exec }));
  const target = await findTarget({ kubeconfig, context: null, env: {} });
  const mask = (secret: string): unknown => masked.add(secret);
  return createCredentialSource({ target, env: process.env, clock, mask, signal: end.signal });
}

function runsFile(): string {
  return `${folder.path}/runs`;
}

async function runs(): Promise<number> {
  return (await runsText()).split('\n').length - 1;
}

function runsText(): Promise<string> {
  return readFile(runsFile(), 'utf8').catch(() => '');
}

/** What `look` gives as soon as it gives something: for what other processes do. */
async function eventually<T>(look: () => T | Promise<T>): Promise<NonNullable<T>> {
  for (;;) {
    const seen = await look();
    if (seen) return seen;
    await setImmediate();
  }
}

function isRunning(pid: number): boolean {
  try {
    // Ended, but not yet waited for by whatever has adopted it: a zombie.
    return !/^State:\s+Z/m.test(readFileSync(`/proc/${pid}/status`, 'utf8'));
  } catch {
    return false;
  }
}

/** A script that prints a credential; `status` is an expression. */
function prints(status: string): string {
  return `console.log(JSON.stringify({ apiVersion: '${VERSION}', kind: 'ExecCredential', status: ${status} }));`;
}

async function failureOf(promise: Promise<unknown>): Promise<string> {
  const error = await promise.catch((rejection: unknown) => rejection);
  if (!isConnectError(error)) throw new Error(`no ConnectError: ${String(error)}`);
  return error.message;
}

describe('an exec plugin', () => {
  test('runs once for parallel requests, and its token is kept and masked', async () => {
    const source = await pluginOf(prints("{ token: 'token-from-plugin' }"));
    const all = await Promise.all(Array.from({ length: 5 }, () => source.current()));
    expect(all.map(({ headers }) => headers)).toEqual(Array(5).fill({ Authorization: 'Bearer token-from-plugin' }));
    await source.current();
    expect(await runs()).toBe(1);
    expect([...masked]).toEqual(['token-from-plugin']);
    await Promise.all([source.renew(), source.renew()]);
    expect(await runs()).toBe(2);
  });

  test('is told the cluster where the kubeconfig says so, and that nobody is at a terminal', async () => {
    const script = `const info = JSON.parse(process.env.KUBERNETES_EXEC_INFO);\n${prints('{ token: JSON.stringify({ spec: info.spec, mine: process.env.MINE }) }')}`;
    const exec = { provideClusterInfo: true, env: [{ name: 'MINE', value: 'yes' }] };
    const extension = { name: 'client.authentication.k8s.io/exec', extension: { audience: 'x' } };
    const source = await pluginOf(script, exec, systemClock, {
      'certificate-authority-data': 'Q0E=',
      extensions: [extension],
    });
    const { headers } = await source.current();
    expect(JSON.parse(String(headers.Authorization).replace('Bearer ', ''))).toEqual({
      spec: {
        interactive: false,
        cluster: { server: 'https://api.example', 'certificate-authority-data': 'Q0E=', config: { audience: 'x' } },
      },
      mine: 'yes',
    });
  });

  test('is told the authority that stands in a file as data, as kubectl tells it', async () => {
    folder.write('ca.crt', 'PEM of the authority');
    const script = `const { spec } = JSON.parse(process.env.KUBERNETES_EXEC_INFO);\n${prints("{ token: spec.cluster['certificate-authority-data'] }")}`;
    const cluster = { 'certificate-authority': 'ca.crt' };
    const source = await pluginOf(script, { provideClusterInfo: true }, systemClock, cluster);
    const { headers } = await source.current();
    expect(headers.Authorization).toBe(`Bearer ${base64('PEM of the authority')}`);
    const missing = { 'certificate-authority': 'nowhere.crt' };
    const blind = await pluginOf(script, { provideClusterInfo: true }, systemClock, missing);
    await expect(failureOf(blind.current())).resolves.toMatch(
      /names the file .*nowhere\.crt, which cannot be read: ENOENT/,
    );
  });

  test('is told of no cluster unless the kubeconfig says so', async () => {
    const script = prints('{ token: process.env.KUBERNETES_EXEC_INFO }');
    const { headers } = await (await pluginOf(script)).current();
    expect(JSON.parse(String(headers.Authorization).replace('Bearer ', ''))).toEqual({
      ...{ apiVersion: VERSION, kind: 'ExecCredential', spec: { interactive: false } },
    });
  });

  test('has no terminal to ask at, whoever started the gate: it is in a session of its own', async () => {
    folder.write(
      'prompt.sh',
      `#!/bin/sh
      read -r pid name state parent group session rest < /proc/self/stat
      test "$session" = $$ || exit 4
      read -r answer < /dev/tty || { echo "Password: no terminal" >&2; exit 3; }`,
    );
    const source = await sourceOf({ apiVersion: VERSION, command: './prompt.sh' });
    await expect(failureOf(source.current())).resolves.toMatch(/failed with exit code 3: .*\/dev\/tty.*Password: /);
  });

  test('has no standard input to wait for', async () => {
    const script = `let input = '';\nfor await (const chunk of process.stdin) input += chunk;\n${prints("{ token: 'input:' + input }")}`;
    const { headers } = await (await pluginOf(script)).current();
    expect(headers.Authorization).toBe('Bearer input:');
  });

  test('gives client certificates as well', async () => {
    const source = await pluginOf(prints("{ clientCertificateData: 'CERT', clientKeyData: 'KEY-OF-PLUGIN' }"));
    await expect(source.current()).resolves.toEqual({ headers: {}, certificate: 'CERT', key: 'KEY-OF-PLUGIN' });
    expect([...masked]).toEqual(['KEY-OF-PLUGIN']);
  });

  test.each<[string, string, object, RegExp]>([
    [
      'fails',
      "console.error('first line'); console.error('Unable to locate credentials'); process.exit(255);",
      {},
      /failed with exit code 255: first line Unable to locate credentials/,
    ],
    ['says nothing', '', {}, /printed no ExecCredential/],
    ['prints garbage', "console.log('Logging in … token-of-somebody');", {}, /printed no ExecCredential/],
    ['prints another object', `console.log('{"kind":"Status"}');`, {}, /printed no ExecCredential/],
    ['prints no token', prints('{}'), {}, /neither a token nor a client certificate/],
    ['prints half a certificate', prints("{ clientCertificateData: 'CERT' }"), {}, /of which one is missing/],
    [
      'speaks another version',
      prints("{ token: 'x' }"),
      { apiVersion: 'client.authentication.k8s.io/v1beta1' },
      /answered with apiVersion .*v1", the kubeconfig asks for .*v1beta1"/,
    ],
    ['wants a terminal', prints("{ token: 'x' }"), { interactiveMode: 'Always' }, /asks for a terminal/],
    ['kills itself', "process.kill(process.pid, 'SIGKILL');", {}, /was killed by SIGKILL/],
  ])('that %s is explained', async (_, script, exec, words) => {
    const source = await pluginOf(script, exec);
    const message = await failureOf(source.current());
    expect(message).toMatch(words);
    expect(message).toContain('user "test"');
    expect(message).not.toContain('token-of-somebody');
  });

  test('that is not installed is explained with the hint of the kubeconfig', async () => {
    const exec = { apiVersion: VERSION, command: 'no-such-plugin', installHint: 'Install it from https://example.com' };
    await expect(failureOf((await sourceOf(exec)).current())).resolves.toBe(
      'exec plugin "no-such-plugin" of user "test" is not there: Install it from https://example.com',
    );
    const bare = { apiVersion: VERSION, command: 'no-such-plugin' };
    await expect(failureOf((await sourceOf(bare)).current())).resolves.toContain(
      'install it in a step before this one',
    );
  });

  test('whose interpreter is not installed is not called missing itself', async () => {
    folder.write('login.sh', '#!/no/such/python3\n');
    const here = await sourceOf({ apiVersion: VERSION, command: './login.sh' });
    const env = [{ name: 'PATH', value: `/nowhere::${folder.path}` }];
    const inPath = await sourceOf({ apiVersion: VERSION, command: 'login.sh', env });
    for (const source of [here, inPath])
      await expect(failureOf(source.current())).resolves.toMatch(
        /cannot be started: it is there, but not the program that its first line names$/,
      );
  });

  test.each<[string, object, RegExp]>([
    ['that may not be run', { command: './config' }, /cannot be started: EACCES$/],
    ['with more than a process can be given', { command: 'true', args: ['secret-arg'.repeat(50_000)] }, /: E2BIG$/],
    ['with a zero byte', { command: 'true', args: ['secret-arg\0'] }, /: ERR_INVALID_ARG_VALUE$/],
  ])('%s is explained, without its arguments', async (_, exec, words) => {
    const source = await sourceOf({ apiVersion: VERSION, ...exec });
    chmodSync(`${folder.path}/config`, 0o600);
    const error = await source.current().catch((rejection: unknown) => rejection);
    expect(isConnectError(error)).toBe(true);
    expect(String(error)).toMatch(words);
    expect(`${String(error)} ${String((error as Error).cause)}`).not.toContain('secret-arg');
  });

  test('is looked for beside the kubeconfig when its command is a path', async () => {
    folder.write(
      'login.sh',
      `#!/bin/sh\necho '{"apiVersion":"${VERSION}","kind":"ExecCredential","status":{"token":"beside"}}'\n`,
    );
    const { headers } = await (await sourceOf({ apiVersion: VERSION, command: './login.sh' })).current();
    expect(headers.Authorization).toBe('Bearer beside');
  });

  test('is quoted in short, with its first words and its last', async () => {
    const lines = [
      'F1122 22:57:00.843524   23609 cred.go:145] print credential failed: no active account selected.',
      ...Array.from({ length: 50 }, (_, line) => `  at line ${line} of many`),
      '',
      '  run: gcloud auth login',
    ];
    const source = await pluginOf(`console.error(${JSON.stringify(lines.join('\n'))}); process.exit(1);`);
    const message = await failureOf(source.current());
    expect(message).toMatch(
      /failed with exit code 1: print credential failed: no active account selected\. at line 0 .* … .* at line 49 of many run: gcloud auth login$/,
    );
    expect(message.length).toBeLessThan(800);
  });

  test('does not give away credentials in its last words', async () => {
    const jwt = 'eyJhbGciOiJSUzI1NiJ9.eyJzdWIiOiJtZSJ9.c2lnbmF0dXJl';
    const long = 'A'.repeat(64);
    const source = await pluginOf(`console.error('refused: ${jwt} and ${long}'); process.exit(1);`);
    const message = await failureOf(source.current());
    expect(message).toContain('refused: *** and ***');
  });

  test.each<[string, string, object]>([
    [
      'that it had printed',
      `${prints("{ token: 'short-one', clientKeyData: 'key-pair' }")} console.error('short-one, key-pair'); process.exit(1);`,
      {},
    ],
    [
      'that the kubeconfig gave it',
      `console.error(process.env.MY_SECRET, process.argv.at(-1)); process.exit(1);`,
      { env: [{ name: 'MY_SECRET', value: 'short-one' }], args: ['PLUGIN', '--client-secret', 'key-pair'] },
    ],
  ])('does not repeat a credential %s, whatever it looks like', async (_, script, exec) => {
    const { args = [] } = exec as { readonly args?: readonly string[] };
    const path = `${folder.path}/plugin.mjs`;
    const source = await pluginOf(script, { ...exec, args: [path, ...args.slice(1)] });
    await expect(failureOf(source.current())).resolves.toMatch(/failed with exit code 1: \*\*\*,? \*\*\*$/);
  });

  test('does not repeat what stands where its version should', async () => {
    const source = await pluginOf(`console.log('{"kind":"ExecCredential","apiVersion":"token-of-somebody"}');`);
    await expect(failureOf(source.current())).resolves.toMatch(
      /answered with no apiVersion of an ExecCredential, the kubeconfig asks for/,
    );
  });

  test('that hangs is given up after 30 s, and may be waiting for somebody', async () => {
    const clock = createVirtualClock();
    const source = await pluginOf('setInterval(() => undefined, 1000);', {}, clock);
    const failing = failureOf(source.current());
    await clock.advance(EXEC_TIMEOUT_MS);
    await expect(failing).resolves.toMatch(/did not finish within 30 s.*terminal/);
    expect(clock.pending()).toBe(0);
  });

  test('that leaves somebody behind who holds its output has ended all the same', async () => {
    const clock = createVirtualClock();
    const source = await pluginOf(
      `import { spawn } from 'node:child_process';
      const child = spawn(process.execPath, ['-e', 'setInterval(() => undefined, 1000)'], { stdio: 'inherit' });
      appendFileSync(${JSON.stringify(runsFile())}, 'left ' + child.pid + '\\n');
      child.unref();
      ${prints("{ token: 'secret-token' }")}`,
      {},
      clock,
    );
    const asking = source.current();
    await eventually(() => clock.pending() === 2);
    await clock.advance(LAST_OUTPUT_MS);
    const left = Number(/left (\d+)/.exec(await runsText())?.[1]);
    process.kill(left);
    await expect(asking).resolves.toMatchObject({ headers: { Authorization: 'Bearer secret-token' } });
    expect(clock.pending()).toBe(0);
  });

  test('is killed when the run ends, with what it started and what it had said', async () => {
    const source = await pluginOf(
      `import { spawn } from 'node:child_process';
      console.error('Enter MFA code:');
      const child = spawn(process.execPath, ['-e', 'setInterval(() => undefined, 1000)'], { stdio: 'inherit' });
      appendFileSync(${JSON.stringify(runsFile())}, [process.pid, child.pid].join(' ') + '\\n');
      setInterval(() => undefined, 1000);`,
    );
    const failing = failureOf(source.current());
    const pids = await eventually(async () =>
      /^(\d+) (\d+)$/m
        .exec(await runsText())
        ?.slice(1)
        .map(Number),
    );
    end.abort();
    await expect(failing).resolves.toMatch(
      /had not finished when the run ended, and was stopped; .*log in before this step: Enter MFA code:$/,
    );
    await eventually(() => pids.every((pid) => !isRunning(pid)));
  });

  test('is not begun when the run has ended', async () => {
    const source = await pluginOf(prints("{ token: 'too-late' }"));
    end.abort();
    await expect(failureOf(source.current())).resolves.toContain('was not run: the run ends');
    expect(await runs()).toBe(0);
  });

  test('that never stops printing is stopped', async () => {
    folder.write('loud.sh', '#!/bin/sh\nexec yes token-of-somebody\n');
    const source = await sourceOf({ apiVersion: VERSION, command: './loud.sh' });
    const message = await failureOf(source.current());
    expect(message).toContain('printed more than any credential has');
    expect(message).not.toContain('token-of-somebody');
  });

  test('that failed once is run again the next time', async () => {
    const source = await sourceOf({ apiVersion: VERSION, command: './later.sh' });
    await failureOf(source.current());
    folder.write(
      'later.sh',
      `#!/bin/sh\necho '{"apiVersion":"${VERSION}","kind":"ExecCredential","status":{"token":"later"}}'\n`,
    );
    await expect(source.current()).resolves.toMatchObject({ headers: { Authorization: 'Bearer later' } });
  });
});

describe('credentials that expire', () => {
  const script = prints("{ token: 'token ' + Math.random(), expirationTimestamp: process.env.EXPIRES }");
  const at = (clock: VirtualClock, ms: number): object => ({
    env: [{ name: 'EXPIRES', value: new Date(clock.wallMs() + ms).toISOString() }],
  });

  test('are renewed before they do', async () => {
    const clock = createVirtualClock();
    const source = await pluginOf(script, at(clock, 600_000), clock);
    const first = await source.current();
    await clock.advance(530_000);
    await expect(source.current()).resolves.toEqual(first);
    await clock.advance(20_000);
    await expect(source.current()).resolves.not.toEqual(first);
    expect(await runs()).toBe(2);
  });

  test('and cannot be renewed ahead of time are used while they last', async () => {
    const clock = createVirtualClock();
    const source = await pluginOf(script, at(clock, 600_000), clock);
    const first = await source.current();
    folder.write('plugin.mjs', 'process.exit(1);');
    await clock.advance(550_000);
    await expect(source.current()).resolves.toEqual(first);
    await clock.advance(60_000);
    await expect(failureOf(source.current())).resolves.toContain('exit code 1');
  });

  test('had expired at birth on this clock are used until the server refuses them', async () => {
    const clock = createVirtualClock();
    const source = await pluginOf(script, at(clock, -5_000), clock);
    const first = await source.current();
    await clock.advance(600_000);
    await expect(source.current()).resolves.toEqual(first);
    expect(await runs()).toBe(1);
  });
});
