import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import type { NodeObject } from '../../../simulator/objects.ts';
import { until } from '../../cluster/waiting.ts';
import { type Cluster, connectCluster, isReady } from '../../harness.ts';
import { aDaemonSet } from '../../workloads.ts';
import { BROKEN, BROKEN_IMAGE, type Ended, removeRollOuts, revision, revisionOf, rollOut, SLOW } from './roll-out.ts';

const HEALTHY = 'roll-out-daemon-set';
const BY_HAND = 'roll-out-by-hand';
const BAD = 'roll-out-broken-daemon-set';

/** DaemonSets are measured on nodes that are older than 5 min; those of our own cluster are at once. */
const MEASURED_AFTER_MS = 5 * 60_000;

describe('the roll-out of a DaemonSet', () => {
  let cluster: Cluster;
  let healthy: Ended;
  let byHand: Ended;
  let bad: Ended;

  beforeAll(async () => {
    cluster = await connectCluster();
    await nodesAreOld(cluster);
    const first = { name: 'agent', pod: revision(1) };
    const inSteps = { name: 'agent', spec: { updateStrategy: { type: 'OnDelete' } } };
    const roll = async (namespace: string, from: typeof first, to: object): Promise<Ended> =>
      await rollOut(cluster, namespace, [
        aDaemonSet({ namespace, ...from }),
        aDaemonSet({ namespace, ...from, ...to }),
      ]);
    [healthy, byHand, bad] = await Promise.all([
      roll(HEALTHY, first, { pod: revision(2, SLOW) }),
      roll(BY_HAND, { ...first, ...inSteps }, { pod: BROKEN }),
      roll(BAD, first, { pod: BROKEN }),
    ]);
  }, MEASURED_AFTER_MS + 300_000);

  afterAll(async () => {
    await removeRollOuts(cluster, [HEALTHY, BY_HAND, BAD]);
    cluster.api.close();
  });

  test('that takes its time is waited for on every node', () => {
    const { exitCode, outputs, report, pods, desired } = healthy;

    expect(outputs).toMatchObject({ verdict: 'healthy', 'pods-ready': String(desired), 'pods-not-ready': '0' });
    expect(exitCode).toBe(0);
    expect(report.findings).toEqual([]);
    expect(pods.map(({ spec }) => spec.nodeName).sort()).toEqual(cluster.nodes);
    expect(pods.map(revisionOf)).toEqual(cluster.nodes.map(() => '2'));
    expect(pods.every(isReady)).toBe(true);
  });

  test('that is done by hand (OnDelete) passes with its old pods, and a note counts them', () => {
    const { exitCode, outputs, stdout, pods, desired } = byHand;

    expect(outputs).toMatchObject({ verdict: 'healthy', 'pods-ready': String(desired) });
    expect(exitCode).toBe(0);
    expect(pods.map(revisionOf)).toEqual(cluster.nodes.map(() => '1'));
    expect(stdout).toContain(`(OnDelete): ${desired} pods of the old template`);
  });

  test('whose new revision is broken ends as soon as that is certain, and names the pod and its node', () => {
    const { exitCode, outputs, report, pods, desired } = bad;

    expect(outputs.verdict).toBe('unhealthy');
    expect(exitCode).toBe(1);
    expect(outputs.reason).toContain(`1 new pod is not ready (${desired - 1} old ones still are)`);
    expect(outputs.reason).toContain(`Container image "${BROKEN_IMAGE}" is not present`);
    expect(outputs.reason).not.toContain('the timeout of');
    const broken = pods.filter((pod) => !isReady(pod));
    expect(broken.map(({ spec }) => spec.containers[0]?.image)).toEqual([BROKEN_IMAGE]);
    expect(report.findings).toEqual(
      broken.map(({ metadata: { name }, spec: { nodeName } }) =>
        expect.objectContaining({ pod: name, node: nodeName, cause: 'ImageNotFound' }),
      ),
    );
  });
});

async function nodesAreOld({ api, nodes }: Cluster): Promise<void> {
  const all = await api.list<NodeObject>('/api/v1/nodes');
  const born = all
    .filter(({ metadata }) => nodes.includes(metadata.name))
    .map(({ metadata }) => Date.parse(metadata.creationTimestamp));
  const oldAtMs = Math.max(...born) + MEASURED_AFTER_MS;
  const waiting = { what: 'nodes on which DaemonSets are measured', timeoutMs: MEASURED_AFTER_MS, everyMs: 1_000 };
  await until(waiting, () => Date.now() > oldAtMs);
}
