import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import type { EventObject } from '../../../simulator/objects.ts';
import { calicoNodes, calicoNodeUids, restartEverywhere } from '../../calico/calico-node.ts';
import { killToken, readOtherKubeconfig, readOwnKubeconfig } from '../../calico/failures.ts';
import { stuckOn } from '../../calico/stuck.ts';
import { type AuditedRequest, auditGate, changesAmong, type GateRun, runGate } from '../../gate.ts';
import { type Cluster, connectCluster, podsIn } from '../../harness.ts';
import { aDeployment, allReady, leaveNamespace, makeNamespace, roll } from '../../workloads.ts';

/** Pods on a node that no restart cures, and on one that a restart would. */
const IN_VAIN = 'restart-in-vain';
/** On a node that was cured a moment ago: one where all is well since, and one where something else is wrong. */
const WELL = 'old-events';
const CRASHING = 'old-events-crash';
const NAMESPACES = [IN_VAIN, WELL, CRASHING];

/** One pod more, and one pod fewer: while a roll-out is stuck, some pods cannot start and some cannot end. */
const BOTH_WAYS = { strategy: { rollingUpdate: { maxSurge: '50%', maxUnavailable: '50%' } } };

const INPUTS = { timeout: '3m', 'stable-for': '5s', 'restart-calico-node': 'true' };

/** All that is shown here happens at the same time, on different nodes. */
describe('after a restart', () => {
  let cluster: Cluster;
  let incurable: string;
  let curable: string;
  let cured: string;
  /** The calico-node pod there, after the cure. */
  let curedUid: string;
  let before: Readonly<Record<string, string>>;
  let after: Readonly<Record<string, string>>;
  let requests: readonly AuditedRequest[] | null;
  let inVain: GateRun;
  let well: GateRun;
  let crashing: GateRun;

  beforeAll(async () => {
    cluster = await connectCluster();
    [incurable = '', curable = '', cured = ''] = cluster.nodes;
    if (cured === '') throw new Error('this scenario needs three nodes');
    const deployments = [
      // More pods there: that node comes first.
      { name: 'web', namespace: IN_VAIN, replicas: 4, pod: { nodes: [incurable] } },
      { name: 'api', namespace: IN_VAIN, replicas: 2, pod: { nodes: [curable] } },
      { name: 'web', namespace: WELL, replicas: 2, pod: { nodes: [cured] } },
      { name: 'web', namespace: CRASHING, replicas: 2, pod: { nodes: [cured] } },
    ];
    for (const namespace of NAMESPACES) await makeNamespace(cluster, namespace);
    for (const deployment of deployments) await cluster.api.apply(aDeployment({ ...deployment, spec: BOTH_WAYS }));
    await allReady(cluster, IN_VAIN, 6);
    for (const namespace of [WELL, CRASHING]) await allReady(cluster, namespace, 2);

    await readOtherKubeconfig(cluster, incurable);
    for (const node of [curable, cured]) await killToken(cluster, node);
    for (const { namespace, name } of deployments) await roll(cluster, 'deployments', namespace, name);
    await stuckOn(cluster, IN_VAIN, [incurable, curable]);

    before = await calicoNodeUids(cluster);
    const audited = cluster.own ? auditGate() : null;
    [inVain, [well, crashing]] = await Promise.all([
      runGate(cluster, { ...INPUTS, namespaces: IN_VAIN, timeout: '100s', 'restart-timeout': '45s' }),
      cureByHand().then(judgeCured),
    ]);
    requests = audited?.() ?? null;
    after = await calicoNodeUids(cluster);
  });

  async function cureByHand(): Promise<void> {
    for (const namespace of [WELL, CRASHING]) await stuckOn(cluster, namespace, [cured]);
    const { namespace, name } = (await calicoNodes(cluster)).get(cured)?.metadata ?? {};
    await cluster.api.remove(`/api/v1/namespaces/${namespace}/pods/${name}`);
    for (const each of [WELL, CRASHING]) await allReady(cluster, each, 2);
    curedUid = (await calicoNodeUids(cluster))[cured] ?? '';
  }

  async function judgeCured(): Promise<readonly [GateRun, GateRun]> {
    const container = { args: ['crash', '--message=no configuration for the tax rates'] };
    await cluster.api.apply(aDeployment({ name: 'billing', namespace: CRASHING, pod: { nodes: [cured], container } }));
    return await Promise.all([
      runGate(cluster, { ...INPUTS, namespaces: WELL }),
      runGate(cluster, { ...INPUTS, namespaces: CRASHING }),
    ]);
  }

  afterAll(async () => {
    await readOwnKubeconfig(cluster, incurable);
    await restartEverywhere(cluster);
    await Promise.all(NAMESPACES.map((namespace) => leaveNamespace(cluster, namespace)));
    cluster.api.close();
  });

  describe('that cannot help, because the runtime reads another kubeconfig than install-cni writes', () => {
    test('the outcome says so, with its proof', () => {
      expect(inVain.outputs['restarted-nodes']).toBe(JSON.stringify([incurable]));
      expect(inVain.report.calico.nodes.find(({ node }) => node === incurable)).toMatchObject({
        action: 'restarted',
        outcome: 'not-cured',
        why: expect.stringMatching(
          / reported the failure \S+ after install-cni of \S+ had ended; check which kubeconfig/u,
        ),
      });
      expect(after[incurable]).not.toBe(before[incurable]);
    });

    test('neither it nor another node is restarted, and a person is told how to do that', () => {
      const node = inVain.report.calico.nodes.find((each) => each.node === curable);
      expect(node).toMatchObject({
        action: 'refused',
        outcome: null,
        why: expect.stringContaining(`the restart of ${incurable} was not proven to help`),
      });
      expect(node?.command).toMatch(new RegExp(`^kubectl delete pod -n ${cluster.calicoNamespace} calico-node-\\w+$`));
      expect(after[curable]).toBe(before[curable]);
      // Of all gates.
      if (requests === null) return;
      expect(changesAmong(requests).map(({ verb, code }) => `${verb} ${code}`)).toEqual(['delete 200']);
    });

    test('the job fails, and the sentence says what to look at', () => {
      expect(inVain.exitCode).toBe(1);
      expect(inVain.outputs).toMatchObject({
        verdict: 'unhealthy',
        'calico-auth-failure': 'true',
        'affected-nodes': JSON.stringify([incurable, curable]),
      });
      expect(inVain.outputs.reason).toMatch(/401 Unauthorized.* did not cure it.*check which kubeconfig/u);
      expect(inVain.outputs.reason).toContain(`restarting calico-node on ${incurable}`);
      expect(inVain.outputs.reason).not.toContain('kubectl delete');
    });
  });

  describe('that somebody did by hand, and that cured the node a moment ago', () => {
    test.each([WELL, CRASHING])(
      'the events of the failure are still there, of pods that are Ready (%s)',
      async (namespace) => {
        const events = await cluster.api.list<EventObject>(`/api/v1/namespaces/${namespace}/events`);
        const failed = events.filter(({ message }) => message?.includes('connection is unauthorized: Unauthorized'));
        const pods = new Set((await podsIn(cluster, namespace)).map(({ metadata }) => metadata.uid));
        expect(failed.filter(({ involvedObject: { uid } }) => uid !== undefined && pods.has(uid))).not.toEqual([]);
      },
    );

    test('they are no failure', () => {
      expect(well.outputs).toMatchObject({
        verdict: 'healthy',
        'calico-auth-failure': 'false',
        'affected-nodes': '[]',
        'restarted-nodes': '[]',
        'pods-ready': '2',
      });
      expect(well.exitCode).toBe(0);
      expect(well.report.calico).toMatchObject({ detected: false, nodes: [] });
      expect(well.outputs.reason).not.toMatch(/calico/iu);
      expect(after[cured]).toBe(curedUid);
    });

    test('nor what a program suffers from that crashes on that node', () => {
      expect(crashing.outputs).toMatchObject({
        verdict: 'unhealthy',
        'calico-auth-failure': 'false',
        'affected-nodes': '[]',
        'restarted-nodes': '[]',
      });
      expect(crashing.exitCode).toBe(1);
      const causes = crashing.report.findings.map(({ owner, stage, cause }) => `${owner?.name}: ${stage} ${cause}`);
      expect(new Set(causes)).toEqual(new Set(['billing: crash CrashLoop']));
      expect(crashing.outputs.reason).toMatch(/^old-events-crash\/billing: /u);
      expect(crashing.outputs.reason).not.toMatch(/calico/iu);
      expect(crashing.stdout).toContain('no configuration for the tax rates');
    });
  });
});
