import { describe, expect, test } from '@jest/globals';
import { aWorld, type World } from '../harness.ts';
import { leavingOn } from '../scenarios/broken-node.ts';
import { demandsOf } from './demands.ts';
import { whyNotHealthy } from './health-rules.ts';
import { recordTruth } from './truth.ts';

/* The other judge of the random worlds, judged: clusters that no gate may call healthy, and some that it may. */

const SECOND = 1_000;

interface Before {
  readonly inputs?: Parameters<typeof demandsOf>[0];
  /** How long the run has lasted when it says so. */
  readonly lastedMs?: number;
}

/** shop/web is complete with two pods; `happen` happens; and a gate says that it is healthy. */
function judged(
  happen: (world: World) => void,
  { inputs = {}, lastedMs = 60 * SECOND }: Before = {},
): readonly string[] {
  const world = aWorld();
  const truth = recordTruth(world);
  const { cluster, warmUp, world: time } = world.sim;
  cluster.deploy({ namespace: 'shop', name: 'web', replicas: 2 });
  warmUp(60 * SECOND);
  happen(world);
  const demands = demandsOf({ namespaces: 'shop', ...inputs });
  const beganMs = time.nowMs() - lastedMs;
  return whyNotHealthy(world, truth, { demands, beganMs, seesNodes: true, seesEvents: true });
}

const nothing = (): void => undefined;

describe('a cluster is healthy', () => {
  test.each<readonly [string, (world: World) => void, Before]>([
    ['when all is as it should be', nothing, {}],
    [
      'when a pod was added a moment ago',
      ({ sim }) => {
        sim.cluster.scale('shop', 'web', 3);
        sim.warmUp(SECOND / 2);
      },
      {},
    ],
    [
      'when what starts has not started for as long as is allowed',
      ({ sim }) => {
        sim.cluster.deploy({ namespace: 'shop', name: 'api', behaviour: { kind: 'slow', readyAfterMs: 40 * SECOND } });
        sim.warmUp(20 * SECOND);
      },
      { inputs: { 'stuck-after': '60s' } },
    ],
    [
      'when what is wrong is out of its scope',
      ({ sim }) => {
        sim.cluster.deploy({ namespace: 'back', name: 'api', behaviour: { kind: 'crash' } });
        sim.warmUp(60 * SECOND);
      },
      {},
    ],
  ])('%s', (_, happen, before) => {
    expect(judged(happen, before)).toEqual([]);
  });
});

describe('a cluster is not healthy', () => {
  test.each<readonly [string, (world: World) => void, Before, string]>([
    ['without enough pods', nothing, { inputs: { 'min-pods': '3' } }, '2 pods are in scope'],
    [
      'while the controller has not seen the new version',
      ({ sim }) => {
        sim.cluster.pauseController('deployment');
        sim.cluster.deploy({ namespace: 'shop', name: 'web' });
      },
      {},
      'Deployment shop/web has a generation that its controller has not seen',
    ],
    [
      'while pods of the old version are there',
      ({ sim }) => {
        sim.cluster.deploy({ namespace: 'shop', name: 'web', behaviour: { kind: 'neverReady' } });
        sim.warmUp(90 * SECOND);
      },
      {},
      'Deployment shop/web has 2 old pods',
    ],
    [
      'while a pod is gone that nobody replaces',
      ({ sim }) => {
        sim.cluster.pauseController('replicaset');
        sim.cluster.evict('shop', sim.cluster.pods('shop')[0]?.metadata.name ?? '');
      },
      {},
      'Deployment shop/web has 1 of 2 pods',
    ],
    [
      'while a replica is missing',
      ({ sim }) => {
        sim.cluster.deployStatefulSet({
          namespace: 'shop',
          name: 'db',
          replicas: 2,
          behaviour: { kind: 'neverReady' },
        });
        sim.warmUp(90 * SECOND);
      },
      {},
      'StatefulSet shop/db has 0 of 2 pods',
    ],
    [
      'while a node lacks its pod',
      ({ sim }) => {
        sim.cluster.deployDaemonSet({ namespace: 'shop', name: 'log' });
        sim.warmUp(90 * SECOND);
        sim.cluster.pauseController('daemonset');
        const pod = sim.cluster.pods('shop').find(({ metadata, spec }) => {
          return metadata.name.startsWith('log') && spec.nodeName === 'n1';
        });
        sim.cluster.evict('shop', pod?.metadata.name ?? '');
      },
      {},
      'DaemonSet shop/log has no pod on n1',
    ],
    [
      'while a pod that is leaving cannot give back its network',
      (world) => {
        const { cluster, warmUp } = world.sim;
        cluster.breakToken('n1');
        cluster.deploy({ namespace: 'shop', name: 'web', nodeName: 'n2' });
        warmUp(90 * SECOND);
        expect(leavingOn(world, 'n1')).toHaveLength(1);
      },
      {},
      'shop/web-* cannot give back its network',
    ],
    [
      'while a bare pod is not Ready',
      ({ sim }) => {
        sim.cluster.createPod({ namespace: 'shop', name: 'lone', nodeName: 'n1', behaviour: { kind: 'neverReady' } });
        sim.warmUp(90 * SECOND);
      },
      {},
      'shop/lone on n1 is not Ready',
    ],
    [
      'when a pod of the beginning is Ready since a moment only',
      ({ sim }) => {
        sim.cluster.createPod({
          namespace: 'shop',
          name: 'lone',
          behaviour: { kind: 'slow', readyAfterMs: 80 * SECOND },
        });
        sim.warmUp(85 * SECOND);
      },
      {},
      'shop/lone is Ready since a moment only',
    ],
  ])('%s', (_, happen, before, problem) => {
    const plain = judged(happen, before).map((why) => why.replace(/web-\w+-\w+/, 'web-*'));
    expect(plain).toContain(problem);
  });
});
