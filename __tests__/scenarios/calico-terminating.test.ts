import { describe, expect, test } from '@jest/globals';
import type { DeployOptions } from '../../simulator/cluster/workloads.ts';
import { aWorld, type Inputs, play, type World } from '../harness.ts';
import { CURE, leavingOn, nodeIn, nodesOf, outputsIn, waitingOn } from './broken-node.ts';

const REPORT_ONLY: Inputs = { ...CURE, 'restart-calico-node': 'false' };

/** Old pods cannot give their network back, and no new pod ever starts on that node. */
function onlyLeaving(deployment: Partial<DeployOptions>, beforeMs = 90_000): World {
  const world = aWorld();
  const { cluster, warmUp } = world.sim;
  cluster.deploy({ namespace: 'shop', name: 'db', ...deployment });
  warmUp(60_000);
  cluster.breakToken('n1');
  cluster.deploy({ namespace: 'shop', name: 'db' });
  warmUp(beforeMs);
  expect(leavingOn(world, 'n1')).not.toEqual([]);
  expect(waitingOn(world, 'n1')).toEqual([]);
  return world;
}

/** Every CPU of the two nodes is taken: a new pod finds room only when an old one is gone. */
const FULL: Partial<DeployOptions> = { replicas: 8, requests: { cpu: '1' } };
const RECREATE: Partial<DeployOptions> = { strategy: 'Recreate', nodeName: 'n1' };

describe('only pods that cannot end', () => {
  test.each([
    ['replacements that find no room', FULL],
    ['Recreate: no new pod at all, and the Deployment says that it has progressed', RECREATE],
  ])('are found and cured, with %s', async (_, deployment) => {
    const played = await play(onlyLeaving(deployment), CURE);
    expect(outputsIn(played)).toMatchObject({
      verdict: 'healthy',
      'calico-auth-failure': 'true',
      'restarted-nodes': '["n1"]',
    });
    expect(nodesOf(played)).toEqual(['n1: restarted/cured']);
    expect(nodeIn(played, 'n1').evidence[0]).toMatchObject({ reason: 'FailedKillPod' });
    expect(played.deletes).toHaveLength(1);
  });

  test('the Pending ones that wait for them are derived from them, and no trouble of their own', async () => {
    const world = onlyLeaving(FULL);
    const played = await play(world, REPORT_ONLY);
    const leaving = leavingOn(world, 'n1').map(({ metadata }) => `shop/${metadata.name}`);
    const pending = played.report.findings.filter(({ cause }) => cause === 'Unschedulable');
    expect(pending.length).toBeGreaterThan(0);
    for (const { derivedFrom } of pending) expect(leaving).toContain(derivedFrom);
    const own = played.report.findings.filter(({ derivedFrom }) => derivedFrom === null);
    expect(new Set(own.map(({ stage, cause }) => `${stage} ${cause}`))).toEqual(
      new Set(['terminating CalicoUnauthorized']),
    );
    expect(played.report.reason).toMatch(/^2 pods on n1 cannot give back their network and end: /);
    expect(played.report.reason).not.toContain('more thing');
  });

  test('with Recreate the Deployment that waits is derived from the pod that stands in its way', async () => {
    const world = onlyLeaving(RECREATE);
    const [leaving] = leavingOn(world, 'n1');
    const { report } = await play(world, REPORT_ONLY);
    expect(report.findings.find(({ cause }) => cause === 'NotRolledOut')).toMatchObject({
      pod: null,
      owner: { kind: 'Deployment', name: 'db' },
      derivedFrom: `shop/${leaving?.metadata.name}`,
    });
  });

  test('is one line in the log of a gate that is there from the beginning: that it waits for a pod is no new trouble', async () => {
    const { log } = await play(onlyLeaving(RECREATE, 2_000), REPORT_ONLY);
    const told = log.slice(0, -1).filter((line) => /^ \d:\d\d .*NotRolledOut/u.test(line));
    expect(told).toEqual([expect.stringMatching(/^ 0:\d\d · {2}Deployment shop\/db: NotRolledOut, for /u)]);
  });

  test('a run without restarts is unhealthy once the two minutes of patience are over, and says what to type', async () => {
    const { report, deletes } = await play(onlyLeaving(RECREATE), REPORT_ONLY);
    expect(report.verdict).toBe('unhealthy');
    expect(report.reason).toMatch(/restart calico-node there: kubectl delete pod -n calico-system calico-node-\w+/);
    expect(deletes).toEqual([]);
  });
});

describe('are no evidence', () => {
  /** A pod on n1 that was asked to go so long ago; the token is dead, so its kubelet reports the failure. */
  function oneLeaving(agoMs: number, before: (world: World) => void = () => undefined): World {
    const world = aWorld();
    const { cluster, warmUp } = world.sim;
    cluster.createPod({ namespace: 'shop', name: 'old', nodeName: 'n1' });
    cluster.createPod({ namespace: 'shop', name: 'other', nodeName: 'n2' });
    warmUp(60_000);
    cluster.breakToken('n1');
    before(world);
    cluster.deletePod('shop', 'old');
    warmUp(agoMs);
    expect(cluster.events('shop').filter(({ reason }) => reason === 'FailedKillPod')).toHaveLength(1);
    return world;
  }

  test('Terminating pods that have their time, though their kubelet reports the failure already', async () => {
    const played = await play(oneLeaving(10_000), { ...CURE, timeout: '15s' });
    expect(outputsIn(played)).toMatchObject({ verdict: 'healthy', 'calico-auth-failure': 'false' });
    const later = await play(oneLeaving(40_000), { ...CURE, timeout: '15s' });
    expect(outputsIn(later)).toMatchObject({ verdict: 'unhealthy', 'calico-auth-failure': 'true' });
  });

  test('pods that a finalizer keeps, whatever their kubelet reports', async () => {
    const keep = ({ sim }: World): void => sim.cluster.addFinalizer('shop', 'old', 'example.com/keep');
    const played = await play(oneLeaving(120_000, keep), CURE);
    expect(outputsIn(played)).toMatchObject({ verdict: 'healthy', 'calico-auth-failure': 'false' });
    expect(played.deletes).toEqual([]);
    expect((await play(oneLeaving(120_000), CURE)).deletes).toHaveLength(1);
  });
});
