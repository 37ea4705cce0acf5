import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, describe, expect, test } from '@jest/globals';
import { createSimulator } from '../../simulator/simulator.ts';
import type { Inputs } from '../harness.ts';
import { type ActionPlayed, aFolder, closeAll, playAction, playCli, type Served, serve } from './runs.ts';

afterAll(closeAll);

/** A cluster that could be asked: what is refused must be refused before that. */
const cluster = serve(createSimulator({ seed: 5 }));

async function withCluster(): Promise<{ readonly served: Served; readonly env: Readonly<Record<string, string>> }> {
  const served = await cluster;
  return { served, env: { KUBECONFIG: served.server.kubeconfig } };
}

async function refused(inputs: Inputs): Promise<ActionPlayed> {
  const { env } = await withCluster();
  return await playAction(null, inputs, { env });
}

const ALL_WRONG: Inputs = {
  namespaces: 'shop',
  'exclude-namespaces': 'kube-system',
  selector: 'app in (',
  timeout: '0',
  'stable-for': 'soon',
  'min-pods': '-1',
  'fail-fast': 'maybe',
  'max-node-restarts': '1.5',
  'fail-on': 'healthy',
  kubeconfig: '/no/such/kubeconfig',
};

describe('bad input of the action', () => {
  test.concurrent('is told all at once, each with the input, its value and what is allowed', async () => {
    const { outputs } = await refused(ALL_WRONG);
    expect(outputs.verdict).toBe('inconclusive');
    expect(outputs.reason).toMatch(/^bad input, 9 problems: /u);
    for (const [name, value] of Object.entries(ALL_WRONG)) {
      if (name === 'namespaces') continue;
      const escaped = value.replaceAll(/[()./]/gu, String.raw`\$&`);
      expect(outputs.reason).toMatch(new RegExp(`\`${name}\` is "${escaped}"[^;]*; allowed: `, 'u'));
    }
  });

  test.concurrent('is one annotation, which says the same', async () => {
    const { outputs, annotations } = await refused(ALL_WRONG);
    expect(annotations).toEqual({ error: [`Calico Health Gate: ${outputs.reason}`], warning: [], notice: [] });
  });

  test.concurrent.each(['none', 'unhealthy', 'nothing'])('fails the step whatever fail-on says: %s', async (failOn) => {
    const { exitCode } = await refused({ timeout: '0', 'fail-on': failOn });
    expect(exitCode).toBe(1);
  });

  test.concurrent('owes neither report nor summary', async () => {
    const { outputs, summary } = await refused({ timeout: '0' });
    expect({ file: outputs['report-file'], summary }).toEqual({ file: '', summary: '' });
  });

  test.concurrent.each<[string, Inputs]>([
    ['an unknown value', { 'job-summary': 'yes' }],
    ['a duration that does not parse', { timeout: '10 minutes' }],
    ['timeout: 0', { timeout: '0' }],
    ['a negative count', { 'min-pods': '-1' }],
    ['a selector that does not parse', { selector: 'app===' }],
    ['stable-for as long as timeout', { timeout: '1m', 'stable-for': '60s' }],
    ['exclude-namespaces with namespaces', { namespaces: 'a', 'exclude-namespaces': 'b' }],
    ['a kubeconfig that cannot be read', { kubeconfig: '/no/such' }],
  ])('stops the run before any request: %s', async (_, inputs) => {
    const { served } = await withCluster();
    const { outputs } = await refused(inputs);
    expect(outputs.reason).toMatch(/^bad input: `/u);
    expect(served.sim.requests).toEqual([]);
  });

  test.concurrent('shows at most 80 characters of a value', async () => {
    const { outputs, stdout } = await refused({ timeout: 'x'.repeat(100) });
    expect(outputs.reason).toContain(`\`timeout\` is "${'x'.repeat(80)}…"`);
    expect(stdout).not.toContain('x'.repeat(81));
  });

  test.concurrent.each([
    ['YAML', 'apiVersion: v1\nusers:\n- user:\n    token: hunter2-hunter2\n'],
    ['YAML of one line', '{apiVersion: v1, users: [{user: {token: hunter2-hunter2}}]}'],
    ['base64', Buffer.from('apiVersion: v1\nusers: [{user: {token: hunter2-hunter2}}]\n').toString('base64')],
    ['something too long for a path', `/${'hunter2-hunter2/'.repeat(300)}`],
  ])('never repeats the content of a kubeconfig: %s', async (_, kubeconfig) => {
    const { exitCode, outputs, stdout, stderr } = await refused({ kubeconfig });
    expect(exitCode).toBe(1);
    expect(outputs.reason).toContain('this is the content of a kubeconfig; write it to a file first');
    for (const line of kubeconfig.trim().split('\n')) {
      for (const text of [stdout, stderr, JSON.stringify(outputs)]) {
        expect(text).not.toContain('hunter2');
        expect(text).not.toContain(line.slice(0, 30));
      }
    }
  });
});

describe('bad usage of the command line', () => {
  test.concurrent.each([[[]], [['--json']]])(
    'prints nothing on stdout, everything on stderr, and exits with 64: %j',
    async (more) => {
      const { served, env } = await withCluster();
      const args = ['--timeout=0', '--min-pods=-1', '--frob', '--kubeconfig=/no/such', '--fail-on=none', ...more];
      const { exitCode, stdout, stderr } = await playCli(null, args, { env });
      expect({ exitCode, stdout }).toEqual({ exitCode: 64, stdout: '' });
      expect(stderr).toMatch(/^calico-health-gate: 4 problems\n/u);
      for (const part of [
        'unknown flag "--frob"',
        '`timeout` is "0"',
        '`min-pods` is "-1"',
        '`kubeconfig` is "/no/such"',
      ])
        expect(stderr).toContain(part);
      expect(served.sim.requests).toEqual([]);
    },
  );
});

describe('the content of a kubeconfig', () => {
  const content = 'apiVersion: v1\nkind: Config\nusers:\n- user:\n    token: hunter2-hunter2\n';

  test.concurrent('in --kubeconfig is never repeated', async () => {
    const { exitCode, stdout, stderr } = await playCli(null, ['--kubeconfig', content]);
    expect({ exitCode, stdout }).toEqual({ exitCode: 64, stdout: '' });
    expect(stderr).toContain('this is the content of a kubeconfig; write it to a file first');
    expect(stderr).not.toContain('apiVersion');
  });

  test.concurrent('in --kubeconfig without quotes, a word each, is not repeated but for one word', async () => {
    const { exitCode, stderr } = await playCli(null, ['--kubeconfig', ...content.split(/\s+/u)]);
    expect(exitCode).toBe(64);
    expect(stderr).not.toContain('hunter2');
  });

  test.concurrent('in KUBECONFIG is never repeated', async () => {
    const { exitCode, outputs, stdout } = await playAction(null, {}, { env: { KUBECONFIG: content } });
    expect({ exitCode, verdict: outputs.verdict }).toEqual({ exitCode: 1, verdict: 'inconclusive' });
    expect(outputs.reason).toMatch(/^KUBECONFIG is not shown: this is the content of a kubeconfig; /u);
    expect(stdout).not.toContain('apiVersion');
  });
});

describe('no kubeconfig anywhere', () => {
  const env = { HOME: '/no/such/home' };

  test.concurrent('the action lists what was tried, and is inconclusive', async () => {
    const { exitCode, outputs } = await playAction(null, {}, { env });
    expect({ exitCode, verdict: outputs.verdict }).toEqual({ exitCode: 1, verdict: 'inconclusive' });
    expect(outputs.reason).toMatch(
      /^no kubeconfig found; tried: KUBECONFIG: not set; \/no\/such\/home\/\.kube\/config: there is no such file; in-cluster service account: .*Set `kubeconfig` or KUBECONFIG/u,
    );
    expect(outputs.reason).not.toContain('localhost');
  });

  test.concurrent('it is no usage error of the command line: exit code 2', async () => {
    const { exitCode, stdout } = await playCli(null, [], { env });
    expect(exitCode).toBe(2);
    expect(stdout).toContain('INCONCLUSIVE: no kubeconfig found; tried: ');
  });

  test.concurrent('an inconclusive report is written all the same', async () => {
    const { report, summary } = await playAction(null, { 'fail-on': 'none' }, { env });
    expect(report).toMatchObject({ verdict: 'inconclusive', pods: { total: 0 }, api: { requests: 0 } });
    expect(summary).toContain('## ❔ Calico Health Gate: inconclusive');
  });

  test.concurrent('a kubeconfig without a usable context says which contexts there are', async () => {
    const path = join(aFolder(), 'config');
    writeFileSync(path, 'apiVersion: v1\nkind: Config\ncontexts:\n- name: blue\n  context: {cluster: c, user: u}\n');
    const { outputs } = await playAction(null, { kubeconfig: path, context: 'green' }, { env });
    expect(outputs).toMatchObject({
      verdict: 'inconclusive',
      reason: expect.stringContaining('has no context "green"; it has "blue"'),
    });
  });
});

test('the cluster that was never asked would have answered', async () => {
  const { served, env } = await withCluster();
  const { exitCode } = await playAction(
    null,
    { namespaces: 'kube-system', 'min-pods': '0', 'stable-for': '0s' },
    { env },
  );
  expect(exitCode).toBe(0);
  expect(served.sim.requests.length).toBeGreaterThan(0);
});
