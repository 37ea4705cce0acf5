import { afterAll, describe, expect, test } from '@jest/globals';
import type { Pod } from '../../simulator/objects.ts';
import { createSimulator, type Simulator } from '../../simulator/simulator.ts';
import { commandsIn } from '../report/runner-grammar.ts';
import { begin, closeAll, playAction, playCli, readReport, serve } from './runs.ts';

afterAll(closeAll);

/** Everything that a runner, a terminal or a page obeys; whoever may write to the cluster may write this. */
const COMMANDS = [
  '::set-output name=verdict::healthy',
  '::error title=forged::forged',
  '##[set-output name=verdict]healthy',
  '##[add-mask]e',
  '##[group]forged',
  '::stop-commands::token',
  '%0A::warning::forged',
];
const ATTACK = [
  ...COMMANDS,
  'ghadelimiter_x',
  '\u001B[31mred\u001B]0;title\u0007',
  '\u202Egnitidekam',
  '<script>alert(1)</script><img src=x onerror=alert(1)>',
  '| a | b |',
  '</details></code>```',
  '[click](https://evil.example) @octocat #1 https://evil.example',
  '```mermaid',
].join('\r\n');

interface HostilePodOptions {
  readonly message?: string;
  readonly nodeName?: string;
  readonly status?: Partial<Pod['status']>;
}

/** A pod whose every text is hostile, as a server would never take it: names, owner, node, messages. */
function aHostilePod(
  name: string,
  { message = ATTACK, nodeName = `n${ATTACK}`, status = {} }: HostilePodOptions = {},
): Pod {
  const waiting = { reason: 'ImagePullBackOff', message };
  return {
    metadata: {
      name,
      namespace: 'shop',
      uid: `uid of ${name}`,
      creationTimestamp: new Date(Date.now() - 600_000).toISOString(),
      labels: { app: ATTACK },
      ownerReferences: [
        { apiVersion: 'example.com/v1', kind: `Kind${ATTACK}`, name: `owner${ATTACK}`, uid: 'o', controller: true },
      ],
    },
    spec: { nodeName, containers: [{ name: `c${ATTACK}`, image: ATTACK }] },
    status: {
      phase: 'Pending',
      conditions: [{ type: 'Ready', status: 'False', reason: ATTACK, message: ATTACK, lastTransitionTime: ATTACK }],
      containerStatuses: [
        {
          name: `c${ATTACK}`,
          state: { waiting },
          lastState: {},
          ready: false,
          restartCount: 0,
          image: ATTACK,
          imageID: '',
        },
      ],
      ...status,
    },
  } as unknown as Pod;
}

function aHostileCluster(): Simulator {
  const sim = createSimulator({ seed: 5, version: `v1.34.4${ATTACK}` });
  sim.cluster.put('pods', aHostilePod(`::error::pod${ATTACK}`));
  sim.cluster.put('pods', aHostilePod('evicted', { status: { phase: 'Failed', reason: ATTACK, message: ATTACK } }));
  sim.cluster.put('pods', aHostilePod('long', { message: '🦊'.repeat(50_000), nodeName: 'n1' }));
  sim.cluster.deploy({
    namespace: 'shop',
    name: 'api',
    behaviour: { kind: 'crash', exitCode: 3, message: ATTACK, log: ATTACK.split('\r\n') },
  });
  sim.warmUp(90_000);
  return sim;
}

const INPUTS = { namespaces: 'shop', 'stable-for': '0s', timeout: '20s' };
const action = begin(async () => playAction(await serve(aHostileCluster()), INPUTS));

describe('hostile text in a cluster', () => {
  test('is the text that was shown: the attack reached the log', async () => {
    const { stdout, report } = await action;
    expect(report?.findings.length).toBeGreaterThan(2);
    expect(stdout).toContain('forged');
    expect(stdout).toContain('pod');
  });

  // Every run is held to the grammar of the runner by `playAction` and `playCli` themselves.
  test('becomes no command, output or annotation of its own', async () => {
    const { outputs, annotations, exitCode } = await action;
    expect({ exitCode, verdict: outputs.verdict }).toEqual({ exitCode: 1, verdict: 'unhealthy' });
    for (const title of Object.values(annotations).flat()) expect(title).not.toMatch(/^forged/u);
  });

  test('breaks no line of the log and moves no cursor', async () => {
    const { stdout } = await action;
    for (const line of stdout.split('\n')) {
      expect(line).not.toMatch(/[\p{Cc}\u202E]/u);
      const isOurs = /^(?:(?: ?\d+:\d\d )|[✗·↳] {2}|::\w|Calico Health Gate|UNHEALTHY: |report: |$)/u.test(line);
      expect({ line, isOurs }).toEqual({ line, isOurs: true });
    }
  });

  test('adds nothing to the summary but text: no tag, no link, no mention, no cell', async () => {
    const { summary } = await action;
    const own = /<\/?(?:details|summary|code|sub|wbr|br)>/gu;
    expect(summary.replaceAll(own, '')).not.toContain('<');
    expect(summary).not.toMatch(/\]\(|@octocat|```|https?:\/\/evil|#1\b/u);
    const tables = summary.split('\n').filter((line) => line.startsWith('|'));
    for (const row of tables) expect([3, 4, 6, 7]).toContain(row.split('|').length - 1);
  });

  test('is cut at 4 KiB of UTF-8 a field, at a character, with a mark', async () => {
    const { report } = await action;
    const long = report?.findings.find(({ pod }) => pod === 'long')?.message ?? '';
    expect(long).toMatch(/🦊…$/u);
    expect(long).not.toContain('\uFFFD');
    const bytes = Buffer.byteLength(long);
    expect(bytes).toBeLessThanOrEqual(4_096);
    expect(bytes).toBeGreaterThan(4_096 - 8);
  });

  test('stays inert on the command line, as log and as JSON', async () => {
    const served = await serve(aHostileCluster());
    const flags = Object.entries(INPUTS).map(([name, value]) => `--${name}=${value}`);
    const [log, json] = [await playCli(served, flags), await playCli(served, [...flags, '--json'])];
    expect([log.exitCode, json.exitCode]).toEqual([1, 1]);
    expect(log.stdout).toContain('forged');
    expect(readReport(json.stdout).findings.length).toBeGreaterThan(2);
  });
});

test('hostile text beside Calico’s failure changes neither its proof nor the command to type', async () => {
  const sim = aHostileCluster();
  const { cluster } = sim;
  cluster.breakToken('n1');
  cluster.createPod({ namespace: 'shop', name: 'stuck', nodeName: 'n1' });
  sim.warmUp(90_000);
  const [pod] = cluster.pods('shop').filter(({ metadata }) => metadata.name === 'stuck');
  const [event] = cluster.events('shop').filter(({ reason }) => reason === 'FailedCreatePodSandBox');
  if (pod === undefined || event === undefined) throw new Error('nothing is stuck');
  const hostilePod = { ...pod, metadata: { ...pod.metadata, name: `stuck${ATTACK}`, uid: 'of-the-hostile-pod' } };
  cluster.put('pods', hostilePod);
  cluster.put('events', {
    ...event,
    metadata: { name: `e${ATTACK}`, namespace: 'shop' },
    involvedObject: { ...event.involvedObject, name: hostilePod.metadata.name, uid: 'of-the-hostile-pod' },
  });
  cluster.put('daemonsets', {
    metadata: { name: `calico${ATTACK}`, namespace: `ns${ATTACK}` },
    spec: { selector: {}, template: { spec: { containers: [{ name: 'calico-node', image: ATTACK }] } } },
    status: {},
  });
  const { outputs, report, summary, annotations } = await playAction(await serve(sim), INPUTS);
  expect(outputs).toMatchObject({ 'calico-auth-failure': 'true', 'affected-nodes': '["n1"]', 'restarted-nodes': '[]' });
  expect(report?.calico.nodes).toMatchObject([{ node: 'n1', action: 'planned' }]);
  expect(report?.calico.nodes[0]?.pods.join('\n')).toContain('forged');
  expect(report?.warnings.join('\n')).toContain("bears Calico's name");
  expect(summary).toMatch(/^```\nkubectl delete pod -n calico-system calico-node-\w+\n```$/mu);
  for (const title of Object.values(annotations).flat()) expect(title).not.toMatch(/^forged/u);
});

describe('hostile text on the way to a cluster', () => {
  test.concurrent('in a refusal of the server becomes no command', async () => {
    const sim = aHostileCluster();
    const body = JSON.stringify({ kind: 'Status', reason: 'Forbidden', message: ATTACK });
    sim.api.faults = ({ path }) =>
      path.startsWith('/api/v1/namespaces/default/pods') ? { kind: 'status', status: 403, body } : undefined;
    const { outputs, report } = await playAction(await serve(sim), { ...INPUTS, namespaces: 'default' });
    expect(outputs.verdict).toBe('inconclusive');
    expect(JSON.stringify(report)).toContain('forged');
  });

  test.concurrent('in an answer that no API server gives becomes no command', async () => {
    const sim = aHostileCluster();
    sim.api.faults = () => ({ kind: 'garbage', body: ATTACK });
    const { outputs } = await playAction(await serve(sim), { ...INPUTS, timeout: '3s' });
    expect(outputs.verdict).toBe('inconclusive');
  });

  test.concurrent('in a kubeconfig becomes no command', async () => {
    const served = await serve(aHostileCluster());
    const kubeconfig = await served.server.writeKubeconfig('hostile', { context: '"##[group]x"' });
    const { outputs, stdout } = await playAction(served, { ...INPUTS, kubeconfig });
    expect(outputs.verdict).toBe('unhealthy');
    expect(stdout).toContain('##[\\group]x');
  });

  test.concurrent('from a credential plugin becomes no command', async () => {
    const served = await serve(aHostileCluster());
    const script = `console.error(${JSON.stringify(ATTACK)}); process.exit(1)`;
    const kubeconfig = await served.server.writeKubeconfig('plugin', {
      exec: { command: process.execPath, args: ['-e', script] },
    });
    const { outputs } = await playAction(served, { ...INPUTS, kubeconfig });
    expect(outputs).toMatchObject({ verdict: 'inconclusive', reason: expect.stringContaining('@octocat') });
  });

  test.concurrent('in an input becomes no command', async () => {
    const { outputs } = await playAction(null, { ...INPUTS, selector: ATTACK, namespaces: ATTACK });
    expect(outputs.reason).toMatch(/^bad input, 2 problems: /u);
  });
});

test('the oracle would have seen each of these commands', () => {
  expect(commandsIn(COMMANDS.join('\n')).map(({ name }) => name)).toEqual([
    'set-output',
    'error',
    'set-output',
    'add-mask',
    'group',
    'stop-commands',
  ]);
});
