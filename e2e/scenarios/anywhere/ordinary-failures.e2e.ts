import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import type { Pod } from '../../../simulator/objects.ts';
import type { ReportedFinding } from '../../../src/report/report.ts';
import { calicoNodeUids } from '../../calico/calico-node.ts';
import { until } from '../../cluster/waiting.ts';
import { type GateRun, runGate } from '../../gate.ts';
import { type Cluster, connectCluster, podsIn } from '../../harness.ts';
import { aDeployment, allReady, forcePodsOut, leaveNamespace, makeNamespace } from '../../workloads.ts';
import { FAILURES, type Failure } from './failures.ts';

const namespaceOf = ({ name }: Failure): string => `ordinary-${name}`;
const NAMESPACES = FAILURES.map(namespaceOf);
const KEPT = 'ordinary-finalizer';
/** After its `deletionTimestamp` a pod is overdue. */
const OVERDUE_MS = 30_000;
/** Of a run that ends by itself: none of them needs so long. */
const LONG = '4m';
const SHORT = '1m';

describe('an ordinary failure', () => {
  let cluster: Cluster;
  let calicoNodes: Readonly<Record<string, string>>;
  const runs = new Map<string, GateRun>();
  let everything: GateRun;
  let finalizer: GateRun;
  let kept: Pod;

  beforeAll(async () => {
    cluster = await connectCluster();
    calicoNodes = await calicoNodeUids(cluster);
    await Promise.all(FAILURES.map(async (failure) => await deploy(cluster, failure)));

    const single = FAILURES.map(async (failure) => {
      const inputs = { namespaces: namespaceOf(failure), timeout: failure.ends === 'early' ? LONG : SHORT };
      runs.set(failure.name, await runGate(cluster, { ...inputs, 'restart-calico-node': 'true' }));
    });
    const all = runGate(cluster, { namespaces: NAMESPACES.join(), timeout: SHORT, 'fail-fast': 'false' });
    const keeping = keepOne(cluster).then(async (pod) => {
      kept = pod;
      finalizer = await runGate(cluster, { namespaces: KEPT, timeout: LONG, 'stable-for': '2s' });
    });
    await Promise.all([...single, keeping]);
    everything = await all;
  });

  afterAll(async () => {
    await forcePodsOut(cluster, KEPT);
    await Promise.all([KEPT, ...NAMESPACES].map(async (name) => await leaveNamespace(cluster, name)));
    cluster.api.close();
  });

  test.each(FAILURES)('is told in a sentence: $what', ({ name, finding, sentence, ends }) => {
    const { exitCode, outputs, report } = runs.get(name) as GateRun;

    expect(causeOf(report.findings[0])).toBe(finding);
    expect(outputs.reason).toMatch(sentence);
    expect(outputs.verdict).toBe('unhealthy');
    expect(exitCode).toBe(1);
    expect(report.findings[0]?.fatal).toBe(ends === 'early');
    if (ends === 'early') expect(outputs.reason).not.toContain('the timeout of');
    else expect(outputs.reason).toContain('the timeout of 1m is over');
    expect(outputs).toMatchObject({ 'calico-auth-failure': 'false', 'affected-nodes': '[]', 'restarted-nodes': '[]' });
  });

  test('that crashes is told with its last words', () => {
    for (const name of ['crash-loop', 'failing-init']) {
      const { report, stdout } = runs.get(name) as GateRun;
      expect(report.findings[0]?.message).toContain('; last log lines: cannot reach the database');
      expect(stdout).toContain('; last log lines: cannot reach the database');
    }
  });

  test('does not hide the others, where one run judges them all', () => {
    const { exitCode, outputs, report } = everything;

    expect(exitCode).toBe(1);
    expect(outputs.verdict).toBe('unhealthy');
    const found = new Map(report.findings.map((finding) => [finding.namespace, causeOf(finding)]));
    // That one runs well, and is ready, between two kills.
    const lasting = FAILURES.filter(({ name }) => name !== 'liveness');
    for (const failure of lasting)
      expect([failure.name, found.get(namespaceOf(failure))]).toEqual([failure.name, failure.finding]);
    expect(outputs.reason).toMatch(/; 1[5-9] more things are wrong, see the findings; the timeout of 1m is over$/);
  });

  test('is told at once by a sweep that finds it long stuck, whatever patience a deploy would have', async () => {
    const stuck = FAILURES.filter(({ ends }) => ends === 'at its timeout');
    const namespaces = stuck.map(namespaceOf).join();

    const { exitCode, outputs, report } = await runGate(cluster, { namespaces, 'stuck-after': '20s', timeout: LONG });

    expect(exitCode).toBe(1);
    expect(outputs.reason).not.toContain('the timeout of');
    expect(report.findings.map((finding) => [finding.namespace, causeOf(finding), finding.fatal]).sort()).toEqual(
      stuck.map((failure) => [namespaceOf(failure), failure.finding, true]).sort(),
    );
  });

  test('of a pod that a finalizer keeps is told, and does not fail a deploy that has all its pods', () => {
    const { exitCode, outputs, report, stdout } = finalizer;

    expect(exitCode).toBe(0);
    expect(outputs).toMatchObject({ verdict: 'healthy', 'pods-total': '2', 'pods-ready': '1', 'pods-not-ready': '0' });
    expect(report.findings).toEqual([
      expect.objectContaining({
        pod: kept.metadata.name,
        stage: 'terminating',
        cause: 'StuckTerminating',
        fatal: false,
      }),
    ]);
    expect(report.findings[0]?.message).toContain('shop.example/audit');
    expect(stdout).toContain('shop.example/audit');
  });

  test('is no reason to touch Calico', async () => {
    expect(await calicoNodeUids(cluster)).toEqual(calicoNodes);
  });
});

async function deploy(cluster: Cluster, failure: Failure): Promise<void> {
  const namespace = namespaceOf(failure);
  await makeNamespace(cluster, namespace);
  for (const manifest of failure.others?.(namespace) ?? []) await cluster.api.apply(manifest);
  if (failure.pod === undefined) return;
  await cluster.api.apply(aDeployment({ name: 'web', namespace, pod: failure.pod(cluster) }));
}

function causeOf(finding: ReportedFinding | undefined): string {
  return `${finding?.stage} ${finding?.cause}`;
}

/** Has a pod of a Deployment deleted that a finalizer keeps; resolves with it when it is overdue. */
async function keepOne(cluster: Cluster): Promise<Pod> {
  await makeNamespace(cluster, KEPT);
  await cluster.api.apply(aDeployment({ name: 'web', namespace: KEPT }));
  await allReady(cluster, KEPT, 1);
  const [pod] = await podsIn(cluster, KEPT);
  const path = `/api/v1/namespaces/${KEPT}/pods/${pod?.metadata.name}`;
  await cluster.api.patch(path, { metadata: { finalizers: ['shop.example/audit'] } });
  await cluster.api.remove(path);
  const { metadata } = await cluster.api.get<Pod>(path);
  const dueMs = Date.parse(metadata.deletionTimestamp ?? '') + OVERDUE_MS;
  await until({ what: `${metadata.name} to be overdue`, timeoutMs: 2 * OVERDUE_MS }, () => Date.now() > dueMs);
  return await cluster.api.get<Pod>(path);
}
