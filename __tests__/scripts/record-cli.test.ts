import { spawn } from 'node:child_process';
import { existsSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import { parseRecordOptions } from '../../scripts/record/options.ts';
import { type HttpsServer, startHttpsServer } from '../../simulator/https-server.ts';
import { createSimulator, GATE_TOKEN, type Simulator } from '../../simulator/simulator.ts';

const ROOT = resolve(import.meta.dirname, '../..');

interface Result {
  readonly exitCode: number | null;
  readonly stdout: string;
  readonly stderr: string;
}

function record(args: readonly string[], interruptOn?: string): Promise<Result> {
  return runScript('record', args, interruptOn);
}

/** The command behind `npm run NAME`, in a process of its own. */
function runScript(name: string, args: readonly string[], interruptOn?: string): Promise<Result> {
  const { scripts } = JSON.parse(readFileSync(join(ROOT, 'package.json'), 'utf8')) as {
    readonly scripts: Readonly<Record<string, string>>;
  };
  const [program = '', ...rest] = (scripts[name] ?? '').split(' ');
  expect(program).toBe('node');
  const { KUBECONFIG: _unused, ...env } = process.env;
  const child = spawn(process.execPath, [...rest, ...args], { cwd: ROOT, env: { ...env, HOME: '/nonexistent' } });
  let stdout = '';
  let stderr = '';
  child.stdout.on('data', (chunk: Buffer) => {
    stdout += chunk.toString();
  });
  child.stderr.on('data', (chunk: Buffer) => {
    stderr += chunk.toString();
    // Twice, as npm does.
    if (interruptOn !== undefined && stderr.includes(interruptOn)) child.kill('SIGINT');
  });
  return new Promise((done, fail) => {
    child.on('error', fail);
    child.on('close', (exitCode) => done({ exitCode, stdout, stderr }));
  });
}

let folder: string;
let sim: Simulator;
let server: HttpsServer;
beforeAll(async () => {
  folder = mkdtempSync(join(tmpdir(), 'record-cli-'));
  sim = createSimulator({ seed: 7 });
  sim.cluster.deploy({ namespace: 'shop', name: 'web', replicas: 2 });
  sim.warmUp(60_000);
  server = await startHttpsServer(sim, { folder });
});
afterAll(async () => {
  await server.close();
  sim.close();
  rmSync(folder, { recursive: true, force: true });
});

describe('npm run record', () => {
  test('writes a folder, and says what is in it', async () => {
    const out = join(folder, 'whole');
    const { exitCode, stderr } = await record([
      '--out',
      out,
      '--kubeconfig',
      server.kubeconfig,
      '--namespaces',
      'shop',
    ]);
    expect(stderr).toContain('written to');
    expect(exitCode).toBe(0);
    expect(readdirSync(out).sort()).toEqual([
      'daemonsets.json',
      'deployments.json',
      'events.json',
      'jobs.json',
      'nodes.json',
      'now',
      'pods.json',
      'recording.json',
      'replicasets.json',
      'statefulsets.json',
    ]);
    const all = readdirSync(out).map((name) => readFileSync(join(out, name), 'utf8'));
    expect(all.join('\n')).not.toContain(GATE_TOKEN);
    expect(stderr).not.toContain(GATE_TOKEN);
    expect(sim.requests.filter(({ method }) => method !== 'GET')).toEqual([]);
  });

  test('keeps what came when it is interrupted while it watches', async () => {
    const out = join(folder, 'interrupted');
    const { exitCode, stderr } = await record(
      ['--out', out, '--kubeconfig', server.kubeconfig, '--watch', '10m'],
      'watching for',
    );
    expect(stderr).toContain('written to');
    expect(exitCode).toBe(0);
    expect(existsSync(join(out, 'pods.json'))).toBe(true);
  });

  test('overwrites nothing', async () => {
    const { exitCode, stderr } = await record(['--out', folder, '--kubeconfig', server.kubeconfig]);
    expect(exitCode).toBe(64);
    expect(stderr).toContain(`record: the folder ${folder} is not empty`);
  });

  test('says what was tried where there is no cluster to be found', async () => {
    const out = join(folder, 'none');
    const { exitCode, stderr } = await record(['--out', out, '--kubeconfig', join(folder, 'nowhere')]);
    expect(exitCode).toBe(2);
    expect(stderr).toMatch(/^record: no kubeconfig found; tried: .*nowhere.*there is no such file/mu);
    expect(existsSync(out)).toBe(false);
  });

  test('says why a cluster refuses', async () => {
    const kubeconfig = await server.writeKubeconfig('stale', { token: 'a-stale-token' });
    const { exitCode, stderr } = await record(['--out', join(folder, 'refused'), '--kubeconfig', kubeconfig]);
    expect(exitCode).toBe(2);
    expect(stderr).toMatch(/^record: .*401/mu);
    expect(stderr).not.toContain('a-stale-token');
  });
});

describe('npm run play', () => {
  const BROKEN = join(import.meta.dirname, '../recordings/2-one-node-unauthorized');

  test('runs the command line in a recorded cluster, without waiting', async () => {
    const { exitCode, stdout } = await runScript('play', [BROKEN, '--timeout', '10m', '--json']);
    expect(exitCode).toBe(1);
    expect(JSON.parse(stdout)).toMatchObject({
      verdict: 'unhealthy',
      calico: { nodes: [{ node: 'n1', action: 'planned' }] },
    });
  });

  test('lets happen again what was watched', async () => {
    const out = join(folder, 'watched');
    await record(['--out', out, '--kubeconfig', server.kubeconfig, '--namespaces', 'shop', '--watch', '2s']);
    // As if the Deployment had been scaled down a minute later.
    const [pod] = (JSON.parse(readFileSync(join(out, 'pods.json'), 'utf8')) as { readonly items: readonly object[] })
      .items;
    const at = new Date(Date.parse(readFileSync(join(out, 'now'), 'utf8').trim()) + 60_000).toISOString();
    writeFileSync(join(out, 'pods.watch.jsonl'), `${JSON.stringify({ type: 'DELETED', object: pod, at })}\n`);
    const flags = ['--namespaces', 'shop', '--stable-for', '90s', '--timeout', '5m', '--json'];
    const { stdout } = await runScript('play', [out, ...flags]);
    expect(JSON.parse(stdout)).toMatchObject({ pods: { total: 1 } });
  });

  test.each([[[]], [['/nonexistent']]])('says what it needs: %j', async (args) => {
    const { exitCode, stderr } = await runScript('play', args);
    expect(exitCode).toBe(64);
    expect(stderr).toContain('usage: npm run play -- FOLDER');
  });
});

describe('its options', () => {
  test('are read, with what they stand for when they are left out', () => {
    expect(parseRecordOptions(['--out', 'x'])).toEqual({
      options: {
        ...{ out: 'x', kubeconfig: null, context: null, namespaces: [], calicoNamespace: null, watchMs: 0 },
        ...{ pseudonyms: false, keepHosts: false },
      },
    });
    expect(
      parseRecordOptions([
        ...['--out=x', '--namespaces', 'shop, data,shop', '--watch=90s', '--pseudonyms', '--keep-names'],
        ...['--context', 'c', '--calico-namespace', 'kube-system'],
      ]),
    ).toMatchObject({
      options: {
        ...{ namespaces: ['shop', 'data'], watchMs: 90_000, pseudonyms: true, keepHosts: true },
        ...{ context: 'c', calicoNamespace: 'kube-system' },
      },
    });
    expect(parseRecordOptions(['-h', '--out', 'x'])).toEqual({ help: true });
  });

  test.each<readonly [string, readonly string[], readonly RegExp[]]>([
    ['a folder that is missing', [], [/^--out is missing/u]],
    ['a flag that there is not', ['--out', 'x', '--nodes'], [/--nodes/u]],
    ['what is no flag', ['x'], [/x/u]],
    [
      'all of them at once',
      ['--namespaces', 'Shop', '--watch', '1d', '--calico-namespace', 'a_b'],
      [/"Shop" is no name/u, /"a_b" is no name/u, /--watch is "1d"; allowed/u, /--out is missing/u],
    ],
    ['a watch that is too long', ['--out', 'x', '--watch', '11m'], [/at most 10m/u]],
  ])('are refused with what is wrong: %s', (_what, argv, problems) => {
    const parsed = parseRecordOptions(argv);
    expect(parsed).toEqual({ problems: problems.map((problem) => expect.stringMatching(problem)) });
  });
});
