import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import type { EventObject, NodeObject } from '../../../simulator/objects.ts';
import { calicoNodeUids, restartEverywhere } from '../../calico/calico-node.ts';
import {
  crashCalicoNode,
  keepCalicoNodeOff,
  killToken,
  letCalicoNodeRunEverywhere,
  mendCalicoNode,
} from '../../calico/failures.ts';
import { until } from '../../cluster/waiting.ts';
import { auditGate, changesAmong, type GateRun, runGate } from '../../gate.ts';
import { type Cluster, connectCluster, podsIn } from '../../harness.ts';
import { powerOff, powerOn } from '../../own.ts';
import { aDaemonSet, aDeployment, allReady, leaveNamespace, makeNamespace, roll } from '../../workloads.ts';

/** Enough for 30 s of proof, and time left for a restart. */
const INPUTS = { timeout: '45s', 'restart-timeout': '5s', 'restart-calico-node': 'true' };

const BARE = 'trouble-bare';
const CRASHING = 'trouble-crashing';
const DARK = 'trouble-dark';
const NAMESPACES = [BARE, CRASHING, DARK];

const WITHIN_MS = 120_000;

describe('a rejected token on a node whose calico-node cannot be restarted', () => {
  let cluster: Cluster;
  let bare = '';
  let crashing = '';
  let dark = '';
  let isDark = false;
  let gates: ReadonlyMap<string, GateRun>;
  let uids: Readonly<Record<string, string>>;
  let requests: ReturnType<typeof auditGate>;

  beforeAll(async () => {
    cluster = await connectCluster();
    [bare = '', crashing = '', dark = ''] = cluster.nodes;
    await Promise.all(
      NAMESPACES.map(async (namespace, index) => {
        await makeNamespace(cluster, namespace);
        const pod = { nodes: [cluster.nodes[index] ?? ''] };
        await cluster.api.apply(aDeployment({ name: 'web', namespace, pod }));
      }),
    );
    await cluster.api.apply(aDeployment({ name: 'calm', namespace: DARK, pod: { nodes: [dark] } }));
    await cluster.api.apply(aDaemonSet({ name: 'agent', namespace: DARK }));
    await Promise.all([allReady(cluster, BARE, 1), allReady(cluster, CRASHING, 1), allReady(cluster, DARK, 5)]);

    await keepCalicoNodeOff(cluster, bare);
    for (const node of [bare, crashing, dark]) await killToken(cluster, node);
    await crashCalicoNode(cluster, crashing);
    for (const namespace of NAMESPACES) await roll(cluster, 'deployments', namespace, 'web');
    await stuck(cluster, DARK);
    await powerOff(cluster, dark);
    isDark = true;

    requests = auditGate();
    uids = await calicoNodeUids(cluster);
    const gateOf = async (namespaces: string, timeout: string): Promise<readonly [string, GateRun]> => [
      namespaces,
      await runGate(cluster, { ...INPUTS, timeout, namespaces }),
    ];
    const runs = await Promise.all([
      gateOf(BARE, '45s'),
      gateOf(CRASHING, '45s'),
      lost(cluster, dark).then(async () => await gateOf(DARK, '20s')),
    ]);
    gates = new Map(runs);
  });

  afterAll(async () => {
    if (isDark) await powerOn(cluster, dark);
    await mendCalicoNode(cluster, crashing);
    await letCalicoNodeRunEverywhere(cluster);
    await restartEverywhere(cluster);
    await Promise.all(NAMESPACES.map(async (namespace) => await leaveNamespace(cluster, namespace)));
    cluster.api.close();
  });

  /** The run of a namespace's gate, and what it says about the one node there. */
  const seenIn = (namespace: string) => {
    const run = gates.get(namespace);
    if (run === undefined) throw new Error(`no gate looked at ${namespace}`);
    expect(run.exitCode).toBe(1);
    expect(run.outputs).toMatchObject({ verdict: 'unhealthy', 'calico-auth-failure': 'true', 'restarted-nodes': '[]' });
    expect(run.report.calico.nodes).toHaveLength(1);
    return { ...run, ofNode: run.report.calico.nodes[0] };
  };

  test('without one nothing can be restarted, and the reason says so', () => {
    const { outputs, ofNode } = seenIn(BARE);

    expect(ofNode).toMatchObject({
      node: bare,
      action: 'refused',
      why: expect.stringMatching(/^no calico-node pod runs on the node: /),
      command: null,
      outcome: null,
      before: null,
    });
    expect(ofNode?.evidence).toHaveLength(1);
    expect(outputs.reason).toMatch(
      new RegExp(
        `^pod ${BARE}/web-\\S+ on ${bare} cannot get a network: Calico's CNI token is rejected .*; calico-node there may not be restarted by this run: no calico-node pod runs on the node`,
      ),
    );
  });

  test('one that crashes has troubles of its own, which are told, and is left alone', () => {
    const { outputs, ofNode } = seenIn(CRASHING);

    const words = 'is not Ready (container calico-node ended with exit code 1): find out why first';
    expect(ofNode).toMatchObject({
      node: crashing,
      action: 'refused',
      why: expect.stringContaining(words),
      command: null,
      outcome: null,
    });
    expect(outputs.reason).toContain(words);
  });

  test('a node that is down is the cause of all that is wrong there, and its calico-node is left alone', () => {
    const { outputs, report, ofNode } = seenIn(DARK);

    expect(outputs.reason).toMatch(
      new RegExp(
        `^3 pods on ${dark} are not ready: node ${dark} is not ready: .*; look at node ${dark}: "kubectl describe`,
      ),
    );
    const causes = new Set(report.findings.map(({ stage, cause, derivedFrom }) => `${stage} ${cause} ${derivedFrom}`));
    expect([...causes]).toEqual([`node NodeNotReady ${dark}`]);
    expect(report.findings.map(({ owner }) => owner?.name).sort()).toEqual(['calm', 'web', 'web']);
    expect(ofNode).toMatchObject({
      node: dark,
      action: 'refused',
      why: expect.stringContaining('is not Ready (node '),
    });
  });

  test('nothing was changed, although each gate might have restarted calico-node', async () => {
    expect(changesAmong(requests())).toEqual([]);
    expect(await calicoNodeUids(cluster)).toEqual(uids);
  });

  test('the node comes up again, mends its token by itself, and the gate waits for it', async () => {
    const inputs = { namespaces: DARK, timeout: '4m', 'stable-for': '5s', 'restart-calico-node': 'true' };
    const gate = runGate(cluster, inputs);
    await powerOn(cluster, dark);
    isDark = false;
    const { exitCode, outputs } = await gate;

    expect(outputs).toMatchObject({ verdict: 'healthy', 'pods-not-ready': '0', 'restarted-nodes': '[]' });
    expect(exitCode).toBe(0);
    expect(changesAmong(requests())).toEqual([]);
    expect(await calicoNodeUids(cluster)).toEqual(uids);
  });
});

/** Resolves when the kubelet has told, in an event and in its status, that a pod of this namespace is without a sandbox. */
async function stuck(cluster: Cluster, namespace: string): Promise<void> {
  await until({ what: `a stuck pod in ${namespace}`, timeoutMs: WITHIN_MS }, async () => {
    const events = await cluster.api.list<EventObject>(`/api/v1/namespaces/${namespace}/events`);
    const failed = events.filter(({ reason }) => reason === 'FailedCreatePodSandBox');
    const about = new Set(failed.map(({ involvedObject: { uid } }) => uid));
    const pods = (await podsIn(cluster, namespace)).filter(({ metadata }) => about.has(metadata.uid));
    // The status comes a moment after the event: a node that loses its power in between has said nothing of its pod.
    return pods.some(({ status }) => status.containerStatuses?.every(({ state }) => state.waiting !== undefined));
  });
}

/** Resolves when the node controller has noticed that the node is down. */
async function lost({ api }: Cluster, node: string): Promise<void> {
  await until({ what: `${node} to be NotReady`, timeoutMs: WITHIN_MS }, async () => {
    const { status } = await api.get<NodeObject>(`/api/v1/nodes/${node}`);
    return status.conditions.some(({ type, status: is }) => type === 'Ready' && is !== 'True');
  });
}
