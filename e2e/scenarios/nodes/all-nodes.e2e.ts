import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import { calicoNodes, calicoNodeUids, restartEverywhere } from '../../calico/calico-node.ts';
import { recreateAccount } from '../../calico/failures.ts';
import { stuckOn, tokensRejected } from '../../calico/stuck.ts';
import { type AuditedRequest, auditGate, changesAmong, type GateRun, runGate } from '../../gate.ts';
import { type Cluster, connectCluster } from '../../harness.ts';
import { aDeployment, allReady, leaveNamespace, makeNamespace, roll } from '../../workloads.ts';

const NAMESPACE = 'all-nodes';

/** The gate reckons the API server's time from answers that tell whole seconds. */
const CLOCKS_MS = 1_000;

describe("all nodes at once, because the CNI plugin's service account was made anew", () => {
  let cluster: Cluster;
  let nodes: readonly string[];
  let before: Readonly<Record<string, string>>;
  let podsBefore: readonly string[];
  let run: GateRun;
  let requests: readonly AuditedRequest[] | null;

  beforeAll(async () => {
    cluster = await connectCluster();
    nodes = cluster.nodes.slice(0, 3);
    await makeNamespace(cluster, NAMESPACE);
    const names = nodes.map((node) => `web-${node}`);
    for (const [index, name] of names.entries()) {
      const pod = { nodes: nodes.slice(index, index + 1) };
      await cluster.api.apply(aDeployment({ name, namespace: NAMESPACE, replicas: 2, pod, spec: ONE_BY_ONE }));
    }
    await allReady(cluster, NAMESPACE, 2 * nodes.length);

    await recreateAccount(cluster);
    await tokensRejected(cluster);
    for (const name of names) await roll(cluster, 'deployments', NAMESPACE, name);
    await stuckOn(cluster, NAMESPACE, nodes);
    before = await calicoNodeUids(cluster);
    podsBefore = [...(await calicoNodes(cluster))]
      .filter(([node]) => nodes.includes(node))
      .map(([, { metadata }]) => `/api/v1/namespaces/${metadata.namespace}/pods/${metadata.name}`);

    const audited = cluster.own ? auditGate() : null;
    run = await runGate(cluster, {
      namespaces: NAMESPACE,
      timeout: '4m',
      'stable-for': '5s',
      'restart-calico-node': 'true',
      // Not one fewer: a node beyond it would be refused.
      'max-node-restarts': String(nodes.length),
    });
    requests = audited?.() ?? null;
  });

  afterAll(async () => {
    await restartEverywhere(cluster);
    await leaveNamespace(cluster, NAMESPACE);
    cluster.api.close();
  });

  test('are all cured, and the deploy gets through', () => {
    expect(run.outputs).toMatchObject({
      verdict: 'healthy',
      'calico-auth-failure': 'true',
      'pods-ready': String(2 * nodes.length),
      'pods-not-ready': '0',
    });
    expect(run.exitCode).toBe(0);
    expect(JSON.parse(run.outputs['affected-nodes'] ?? '').sort()).toEqual(nodes);
    expect(JSON.parse(run.outputs['restarted-nodes'] ?? '').sort()).toEqual(nodes);
    expect(run.outputs.reason).toMatch(/^all \d+ pods .* are ready .*restarting calico-node on .* cured /u);
    for (const node of nodes) expect(run.outputs.reason).toContain(node);
  });

  test('each by a calico-node pod of its own, whose install-cni wrote the token that works', async () => {
    expect(run.report.calico.nodes).toHaveLength(nodes.length);
    const now = await calicoNodes(cluster);
    for (const node of nodes) {
      const reported = run.report.calico.nodes.find((each) => each.node === node);
      const pod = now.get(node)?.metadata;
      expect(reported).toMatchObject({
        action: 'restarted',
        outcome: 'cured',
        after: { calicoNodePod: `${pod?.namespace}/${pod?.name}` },
      });
      expect(reported?.before?.calicoNodePod).not.toBe(reported?.after?.calicoNodePod);
      expect(pod?.uid).not.toBe(before[node]);
    }
  });

  test('one after another: the next one only when the last one was proven cured', () => {
    const steps = run.report.timeline.flatMap(({ at, what }) => {
      const { node, step } = /^node (?<node>\S+): (?<step>restarting|cured)\b/u.exec(what)?.groups ?? {};
      return node === undefined ? [] : [{ node, step, atMs: Date.parse(at) }];
    });
    const restarts = steps.filter(({ step }) => step === 'restarting');
    expect(restarts.map(({ node }) => node).sort()).toEqual(nodes);
    expect(steps.map(({ node, step }) => `${step} ${node}`)).toEqual(
      restarts.flatMap(({ node }) => [`restarting ${node}`, `cured ${node}`]),
    );

    // The same, told by the API server's audit log.
    if (requests === null) return;
    const deletes = changesAmong(requests);
    expect(deletes.map(({ verb, code }) => `${verb} ${code}`)).toEqual(nodes.map(() => 'delete 200'));
    expect(deletes.map(({ requestURI }) => requestURI).sort()).toEqual([...podsBefore].sort());
    for (const [index, { node }] of restarts.slice(0, -1).entries()) {
      const curedAtMs = steps.find((step) => step.node === node && step.step === 'cured')?.atMs ?? Number.NaN;
      const { after } = run.report.calico.nodes.find((each) => each.node === node) ?? {};
      expect(deletes[index + 1]?.atMs).toBeGreaterThan(Date.parse(after?.installedAt ?? ''));
      expect(deletes[index + 1]?.atMs).toBeGreaterThan(curedAtMs - CLOCKS_MS);
      expect(deletes[index]?.atMs).toBeLessThan(curedAtMs);
    }
  });
});

/** Of two pods one starts and one ends at a time: both kinds get stuck. */
const ONE_BY_ONE = { strategy: { rollingUpdate: { maxSurge: 1, maxUnavailable: 1 } } };
