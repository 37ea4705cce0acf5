import { describe, expect, test } from '@jest/globals';
import { allowAllBut } from '../../simulator/api/access.ts';
import type { TokenState } from '../../simulator/cluster/cni.ts';
import type { Cause } from '../../src/health/assessment.ts';
import { play } from '../harness.ts';
import { aBrokenWorld, CURE, edit, forge, nodeIn, nodesOf, outputsIn, waitingOn } from './broken-node.ts';

const HOUR = 3_600_000;

describe('look-alikes have their own name and are never restarted', () => {
  test.each<[TokenState, Cause]>([
    ['forbidden', 'CalicoForbidden'],
    ['connection-refused', 'CniApiUnreachable'],
    ['x509', 'CniCertificate'],
    ['nodename-missing', 'CalicoNodeDown'],
    ['datastore-not-ready', 'CalicoNotReady'],
    ['ipam-exhausted', 'IpamExhausted'],
    [
      { add: 'Get "https://10.96.0.1:443/apis": Forbidden', del: 'Get "https://10.96.0.1:443/apis": Forbidden' },
      'CniProxy',
    ],
  ])('%j: %s', async (state, cause) => {
    const played = await play(aBrokenWorld({ state }), CURE);
    expect(played.deletes).toEqual([]);
    expect(played.report.findings[0]).toMatchObject({ cause, fatal: true });
    expect(outputsIn(played)).toMatchObject({
      verdict: 'unhealthy',
      'calico-auth-failure': 'false',
      'affected-nodes': '[]',
    });
  });
});

describe('events', () => {
  test('that have expired while pods are still stuck: a sandbox without a word, no restart, not healthy', async () => {
    const world = aBrokenWorld({ isFirst: true, stuckForMs: 2 * HOUR, world: { eventTtlMs: HOUR } });
    const reasons = new Set(world.sim.cluster.events('shop').map(({ reason }) => reason));
    expect(reasons).toEqual(new Set(['SandboxChanged']));
    const played = await play(world, { ...CURE, timeout: '5m' });
    expect(played.report.findings).toContainEqual(
      expect.objectContaining({ node: 'n1', stage: 'sandbox', cause: 'SandboxSilent' }),
    );
    expect(played.report.reason).toMatch(
      /SandboxChanged, \d+ times.*the container runtime on node n1; events may have expired/,
    );
    expect(outputsIn(played)).toMatchObject({ verdict: 'unhealthy', 'calico-auth-failure': 'false' });
    expect(played.deletes).toEqual([]);
  });

  test('that were seen in this run stay evidence after their life in the cluster has ended', async () => {
    const world = aBrokenWorld({ isFirst: true, stuckForMs: 20_000, world: { eventTtlMs: 25_000 } });
    const played = await play(world, CURE);
    expect(nodesOf(played)).toEqual(['n1: restarted/cured']);
    const [evidence] = nodeIn(played, 'n1').evidence;
    const left = world.sim.cluster.events('shop').map(({ reason }) => reason);
    expect(evidence).toMatchObject({ reason: 'FailedCreatePodSandBox', count: 1 });
    expect(left).not.toContain('FailedCreatePodSandBox');
  });

  test('that may not be listed: no diagnosis, no restart, a warning; the verdict stands', async () => {
    const world = aBrokenWorld();
    world.sim.api.permissions = allowAllBut({ resource: 'events' });
    const played = await play(world, { ...CURE, timeout: '4m' });
    expect(outputsIn(played)).toMatchObject({ verdict: 'unhealthy', 'calico-auth-failure': 'false' });
    expect(played.deletes).toEqual([]);
    expect(played.report.warnings.join('\n')).toMatch(/events in namespace shop may not be read/);
  });

  test('that may not be listed any more: what was seen of them proves nothing about now', async () => {
    const world = aBrokenWorld({ stuckForMs: 5_000 });
    world.clock.after(4_000, () => {
      world.sim.api.permissions = allowAllBut({ resource: 'events' });
      world.sim.api.watches.close();
    });
    const played = await play(world, { ...CURE, timeout: '4m' });
    expect(played.deletes).toEqual([]);
    expect(nodeIn(played, 'n1')).toMatchObject({
      action: 'refused',
      why: 'the right to list events in namespace shop is missing',
    });
  });

  test('of the report name the pod, the reason, the words, how often and when last', async () => {
    const played = await play(aBrokenWorld(), CURE);
    const { pods, evidence } = nodeIn(played, 'n1');
    expect(pods).toEqual(evidence.map(({ pod }) => pod));
    expect(evidence).toHaveLength(3);
    for (const { message, count, lastSeen } of evidence) {
      expect(message).toMatch(/error getting ClusterInformation: connection is unauthorized: Unauthorized"?$/);
      expect(count).toBeGreaterThanOrEqual(1);
      expect(Date.parse(lastSeen)).toBeLessThanOrEqual(Date.parse(played.report.finishedAt));
    }
    const kill = evidence.find(({ reason }) => reason === 'FailedKillPod');
    expect(kill?.count).toBeGreaterThan(3);
  });
});

describe('a failure that has healed by itself', () => {
  test('is none any more once Calico has given the pod an address, though its kubelet says so only when its image has come', async () => {
    const world = aBrokenWorld({ isFirst: true, stuckForMs: 20_000, replicas: 1, world: { nodes: ['n1'] } });
    const [pod] = waitingOn(world, 'n1');
    if (pod === undefined) throw new Error('no pod is stuck');
    // As Kubernetes before 1.36 shows it for as long as the image is pulled.
    edit(world, 'pods', 'shop', pod.metadata.name, ({ metadata, ...rest }) => ({
      ...rest,
      metadata: { ...metadata, uid: 'pulling', annotations: { 'cni.projectcalico.org/podIP': '10.244.1.5/32' } },
    }));
    forge(world, { ...pod, metadata: { ...pod.metadata, uid: 'pulling' } }, { overrides: {} });
    world.sim.warmUp(60_000);
    const played = await play(world, { ...CURE, timeout: '3m' });
    expect(played.deletes).toEqual([]);
    expect(outputsIn(played)).toMatchObject({ 'calico-auth-failure': 'false', 'affected-nodes': '[]' });
    expect(played.report.findings).toContainEqual(expect.objectContaining({ cause: 'NotStarted', fatal: false }));
  });
});

describe('cancelled in mid-restart', () => {
  test('the run ends within 5 s, says so, and what it has restarted stands in report and outputs', async () => {
    const world = aBrokenWorld({ world: { calico: { restartCures: false } }, isFirst: true });
    const cancelled = new AbortController();
    world.clock.after(20_000, () => cancelled.abort('SIGTERM'));
    const played = await play(world, CURE, { signal: cancelled.signal });
    expect(played.elapsedMs).toBeLessThanOrEqual(25_000);
    expect(played.report).toMatchObject({ verdict: 'inconclusive', reason: expect.stringMatching(/^cancelled/) });
    expect(nodesOf(played)).toEqual(['n1: restarted/unknown']);
    expect(outputsIn(played)).toMatchObject({ 'restarted-nodes': '["n1"]', 'calico-auth-failure': 'true' });
  });

  test('in the very moment of the DELETE: it was sent, so it stands in the report', async () => {
    const world = aBrokenWorld();
    const cancelled = new AbortController();
    world.sim.api.faults = ({ method }) => {
      if (method !== 'DELETE') return undefined;
      cancelled.abort('SIGTERM');
      return { kind: 'delay', delayMs: 1_000 };
    };
    const played = await play(world, CURE, { signal: cancelled.signal });
    expect(outputsIn(played)).toMatchObject({ verdict: 'inconclusive', 'restarted-nodes': '["n1"]' });
    expect(nodesOf(played)).toEqual(['n1: restarted/unknown']);
  });
});
