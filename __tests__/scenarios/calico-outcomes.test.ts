import { describe, expect, test } from '@jest/globals';
import { play, type World } from '../harness.ts';
import {
  aBrokenWorld,
  type BrokenWorld,
  CURE,
  calicoNodeOn,
  nodeIn,
  nodesOf,
  outputsIn,
  restartedAfterMs,
} from './broken-node.ts';

const IN_VAIN: BrokenWorld = { world: { nodes: ['n1', 'n2'], calico: { restartCures: false } } };
const WHAT_TO_LOOK_AT = [
  /kubeconfig the runtime's CNI configuration names/,
  /CALICO_MANAGE_CNI/,
  /host path/,
  /CNI configuration left over/,
  /service account keys/,
  /clock/,
];

function expectReason(reason: string): void {
  for (const words of WHAT_TO_LOOK_AT) expect(reason).toMatch(words);
}

describe('cured', () => {
  test('is proven by a pod that got its network after install-cni had ended; before and after are told', async () => {
    const world = aBrokenWorld({ isFirst: true });
    const old = calicoNodeOn(world, 'n1');
    const played = await play(world, CURE);
    const fresh = calicoNodeOn(world, 'n1');
    const [install] = fresh.status.initContainerStatuses ?? [];
    expect(nodeIn(played, 'n1')).toMatchObject({
      action: 'restarted',
      outcome: 'cured',
      why: expect.stringMatching(/^shop\/web-\w+-\w+ got its network \d+s after install-cni had ended$/),
      command: null,
      before: {
        calicoNodePod: `calico-system/${old.metadata.name}`,
        startedAt: old.metadata.creationTimestamp.replace('Z', '.000Z'),
      },
      after: {
        calicoNodePod: `calico-system/${fresh.metadata.name}`,
        startedAt: fresh.metadata.creationTimestamp.replace('Z', '.000Z'),
        installedAt: install?.state.terminated?.finishedAt?.replace('Z', '.000Z'),
      },
    });
    expect(played.report.reason).toContain("restarting calico-node on n1 cured Calico's authorization failure there");
  });

  test('is proven by an overdue pod that the kubelet could end', async () => {
    // Nothing starts on the node any more: web runs elsewhere, and only old pods have to leave.
    const world = aBrokenWorld({
      before: ({ sim }) => sim.cluster.cordon('n1'),
      stuckForMs: 90_000,
    });
    const played = await play(world, CURE);
    expect(nodesOf(played)).toEqual(['n1: restarted/cured']);
    expect(nodeIn(played, 'n1').why).toMatch(
      /^shop\/web-\w+-\w+, which could not end before, was ended by the kubelet/,
    );
    expect(played.report.verdict).toBe('healthy');
  });

  test('is not proven by a calico-node pod that is Ready', async () => {
    const world = aBrokenWorld({ ...IN_VAIN, isFirst: true });
    const played = await play(world, { ...CURE, timeout: '2m' });
    const ready = calicoNodeOn(world, 'n1').status.conditions?.find(({ type }) => type === 'Ready');
    expect(ready?.status).toBe('True');
    expect(nodeIn(played, 'n1')).toMatchObject({ action: 'restarted', outcome: 'unknown' });
  });

  test('the pods that follow have their time: the run does not end with the first one', async () => {
    // Stuck for longer than the two minutes of patience, so every pod that is still stuck is fatal.
    const world = aBrokenWorld({ isFirst: true, replicas: 12, stuckForMs: 300_000 });
    expect(await play(world, CURE)).toMatchObject({ report: { verdict: 'healthy' } });
  });
});

describe('not-cured', () => {
  test('when an old pod, which cannot end, reports the failure again', async () => {
    const played = await play(aBrokenWorld(IN_VAIN), CURE);
    expect(nodeIn(played, 'n1')).toMatchObject({
      action: 'restarted',
      outcome: 'not-cured',
      why: expect.stringMatching(
        /^shop\/web-\w+-\w+ reported the failure \d+s after install-cni of calico-system\/calico-node-\w+ had ended/,
      ),
    });
    expect(played.report.verdict).toBe('unhealthy');
    expect(played.report.reason).toContain('restarting calico-node there did not cure it: ');
    expectReason(played.report.reason);
    expectReason(nodeIn(played, 'n1').why);
    expect(played.deletes).toHaveLength(1);
  });

  test('ends the run soon with fail-fast, although the failure has patience left: no waiting heals it any more', async () => {
    const played = await play(aBrokenWorld({ ...IN_VAIN, stuckForMs: 35_000 }), CURE);
    expect(nodeIn(played, 'n1').outcome).toBe('not-cured');
    expect(played.report.findings.every(({ fatal }) => fatal)).toBe(true);
    expect(played.elapsedMs).toBeLessThan(60_000);
  });

  test('uses up the timeout without fail-fast', async () => {
    const played = await play(aBrokenWorld({ ...IN_VAIN, stuckForMs: 35_000 }), { ...CURE, 'fail-fast': 'false' });
    expect(nodeIn(played, 'n1').outcome).toBe('not-cured');
    expect(played.report.reason).toMatch(/; the timeout of \w+ is over$/);
  });

  test('when a new pod reports the failure', async () => {
    const world = aBrokenWorld({ ...IN_VAIN, isFirst: true });
    world.clock.after(60_000, () => world.sim.cluster.deploy({ namespace: 'shop', name: 'api', nodeName: 'n1' }));
    const played = await play(world, CURE);
    expect(nodeIn(played, 'n1')).toMatchObject({
      outcome: 'not-cured',
      why: expect.stringMatching(/^shop\/api-\w+-\w+ reported the failure/),
    });
    expectReason(played.report.reason);
  });
});

describe('not-cured, because install-cni itself fails', () => {
  test('is said after its third end, with its words and how to read its log', async () => {
    const world = aBrokenWorld({ isFirst: true });
    // The image that both installations share can no longer write a token.
    world.sim.cluster.installCalico({ namespace: 'other', installExitCode: 1 });
    const played = await play(world, CURE);
    expect(nodeIn(played, 'n1')).toMatchObject({ action: 'restarted', outcome: 'not-cured' });
    expect(nodeIn(played, 'n1').why).toMatch(
      /^install-cni of calico-system\/(calico-node-\w+) failed 3 times with exit code 1.*kubectl logs -n calico-system \1 -c install-cni --previous/,
    );
    expectReason(played.report.reason);
    expect(played.deletes).toHaveLength(1);
  });
});

describe('timed-out', () => {
  test('when only old starting pods are stuck: they write no new event, so restart-timeout decides', async () => {
    const played = await play(aBrokenWorld({ ...IN_VAIN, isFirst: true }), { ...CURE, 'restart-timeout': '50s' });
    expect(nodeIn(played, 'n1')).toMatchObject({
      action: 'restarted',
      outcome: 'timed-out',
      why: expect.stringMatching(
        /^2 pods are still stuck \w+ after the restart \(shop\/web-\w+-\w+ was tried again \d times in vain\)/,
      ),
    });
    expect(played.report.reason).toContain('restarting calico-node there did not cure it in time: ');
    expectReason(played.report.reason);
    const [restartedMs = 0] = restartedAfterMs(played);
    const outcome = played.report.timeline.find(({ what }) => what.includes('timed-out'));
    const settledMs = Date.parse(outcome?.at ?? '') - Date.parse(played.report.startedAt);
    expect(settledMs - restartedMs).toBeGreaterThanOrEqual(50_000);
    expect(settledMs - restartedMs).toBeLessThanOrEqual(53_000);
  });
});

describe('unknown', () => {
  test('when the run ended first', async () => {
    const played = await play(aBrokenWorld({ ...IN_VAIN, isFirst: true }), { ...CURE, timeout: '90s' });
    expect(nodeIn(played, 'n1')).toMatchObject({
      action: 'restarted',
      outcome: 'unknown',
      why: expect.stringMatching(/^the run ended first: install-cni of calico-system\/calico-node-\w+ ended/),
    });
    expect(outputsIn(played)['restarted-nodes']).toBe('["n1"]');
  });

  test('when no stuck pod was left to prove anything', async () => {
    const world = aBrokenWorld({ ...IN_VAIN, isFirst: true });
    world.clock.after(8_000, () => removeAll(world));
    const played = await play(world, { ...CURE, 'min-pods': '0' });
    expect(nodeIn(played, 'n1')).toMatchObject({
      action: 'restarted',
      outcome: 'unknown',
      why: expect.stringMatching(/^no pod is stuck on the node any more/),
    });
    expectReason(nodeIn(played, 'n1').why);
    expect(played.report.verdict).toBe('healthy');
  });
});

/** Somebody removes the Deployment and forces its pods out. */
function removeAll({ sim }: World): void {
  sim.cluster.scale('shop', 'web', 0);
  for (const { metadata } of sim.cluster.pods('shop')) sim.cluster.deletePod('shop', metadata.name, { force: true });
}

describe('never twice in a run', () => {
  test('a node that was cured and fails again is not restarted again, and the reason says so', async () => {
    const world = aBrokenWorld();
    world.clock.after(25_000, () => {
      world.sim.cluster.breakToken('n1');
      world.sim.cluster.deploy({ namespace: 'shop', name: 'web' });
    });
    const played = await play(world, { ...CURE, 'stable-for': '60s' });
    expect(played.deletes).toHaveLength(1);
    expect(nodesOf(played)).toEqual(['n1: restarted/cured']);
    expect(played.report.verdict).toBe('unhealthy');
    expect(played.report.reason).toMatch(
      /restarting calico-node there cured it \(.*\), and it is not restarted twice in a run/,
    );
  });
});
