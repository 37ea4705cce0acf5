import { describe, expect, test } from '@jest/globals';
import type { Pod } from '../../simulator/objects.ts';
import { aWorld, type Played, play, type World } from '../harness.ts';
import { nodesOf, outputsIn, stampAgo } from './broken-node.ts';
import { EVERYWHERE, failureEvent, forgeFailure, hold, OTHERS, podNamed, TENANT } from './tenant.ts';

const MINUTE = 60_000;

/** A cluster in which others have a pod on each node, an hour old. */
function aSharedCluster(): World {
  const world = aWorld({ nodes: ['n1', 'n2'] });
  for (const nodeName of ['n1', 'n2']) world.sim.cluster.createPod({ namespace: OTHERS, name: nodeName, nodeName });
  world.sim.warmUp(MINUTE);
  return world;
}

function expectNothing(played: Played): void {
  expect(played.deletes).toEqual([]);
  expect(outputsIn(played)).toMatchObject({
    'calico-auth-failure': 'false',
    'affected-nodes': '[]',
    'restarted-nodes': '[]',
  });
}

/** Makes the tenant's pods; all of them are forged about. */
type Attack = (world: World) => void;

const create =
  (options: Partial<Parameters<World['sim']['cluster']['createPod']>[0]>): Attack =>
  ({ sim }) => {
    sim.cluster.createPod({ namespace: TENANT, name: 'pod', nodeName: 'n1', ...options });
    sim.warmUp(2 * MINUTE);
  };

const then =
  (first: Attack, change: (world: World, pod: Pod) => void): Attack =>
  (world) => {
    first(world);
    change(world, podNamed(world, TENANT, 'pod'));
    world.sim.warmUp(2 * MINUTE);
  };

describe('the best forgery does nothing about a pod that has, had or needs no sandbox', () => {
  test.each<[string, Attack]>([
    ['runs', create({})],
    ['is on the host’s network', create({ hostNetwork: true })],
    ['is on the host’s network and cannot start', create({ hostNetwork: true, behaviour: { kind: 'imageMissing' } })],
    [
      'is on the host’s network, and its kubelet does not say that it has a sandbox',
      (world) => {
        hold(world, { name: 'pod', spec: { hostNetwork: true } });
        world.sim.warmUp(2 * MINUTE);
      },
    ],
    ['pulls an image that is not there', create({ behaviour: { kind: 'imageMissing' } })],
    ['crashes', create({ behaviour: { kind: 'crash' } })],
    ['never becomes ready', create({ behaviour: { kind: 'neverReady' } })],
    ['has an init container that crashes', create({ behaviour: { kind: 'initCrash' } })],
    ['has a secret missing from its environment', create({ behaviour: { kind: 'missingSecret', as: 'env' } })],
    ['has finished', create({ behaviour: { kind: 'completes' }, restartPolicy: 'Never' })],
    ['has failed', create({ behaviour: { kind: 'crash' }, restartPolicy: 'Never' })],
    ['was evicted', then(create({}), ({ sim }) => sim.cluster.evict(TENANT, 'pod'))],
    ['is kept by a finalizer', then(create({ behaviour: { kind: 'finalizer' } }), deleted)],
    ['does not end, because a container hangs', then(create({}), hung)],
    ['does not end, because its kubelet runs a postStart hook and has not come to that', unended],
    ['does not end, because an ephemeral container hangs, and its kubelet came to that late', debugged],
    ['pulls an image, which its kubelet takes for being without a sandbox', (world) => addressed(world)],
    ['is on no node, for none has room', ({ sim }) => bound(sim, { kind: 'unschedulable' })],
    ['is on no node, for its scheduling is gated', ({ sim }) => bound(sim, { kind: 'gated' })],
    ['is bound to a node that does not exist', (world) => unseen(world, 'nowhere')],
    ['is bound to a node whose kubelet has never seen it', (world) => unseen(world, 'n1')],
    [
      'is on a node that is lost',
      then(create({}), ({ sim }) => {
        sim.cluster.loseNode('n1');
        sim.cluster.deletePod(TENANT, 'pod');
      }),
    ],
  ])('that %s', async (_, attack) => {
    const world = aSharedCluster();
    attack(world);
    for (const pod of world.sim.cluster.pods(TENANT)) {
      // A node that the tenant would like to be believed about, where the pod has none.
      const spec = { ...pod.spec, nodeName: pod.spec.nodeName ?? 'n1' };
      for (const agoMs of [0, MINUTE]) forgeFailure(world, { ...pod, spec }, agoMs);
    }
    expectNothing(await play(world, EVERYWHERE));
  });

  test('that belongs to a Job of many', async () => {
    const world = aSharedCluster();
    const { cluster, warmUp } = world.sim;
    for (const name of ['done', 'runs']) {
      const behaviour = name === 'done' ? ({ kind: 'completes' } as const) : ({ kind: 'healthy' } as const);
      cluster.runJob({ namespace: TENANT, name, parallelism: 20, completions: 20, behaviour });
    }
    warmUp(2 * MINUTE);
    const pods = cluster.pods(TENANT);
    expect(pods).toHaveLength(40);
    for (const pod of pods) forgeFailure(world, pod, MINUTE);
    const played = await play(world, EVERYWHERE);
    expectNothing(played);
    expect(played.report.verdict).toBe('healthy');
  });
});

test('a pod that waits for a volume is no proof either, as long as its kubelet’s events say so', async () => {
  const world = aSharedCluster();
  create({ behaviour: { kind: 'missingSecret', as: 'volume' } })(world);
  for (const agoMs of [0, MINUTE]) forgeFailure(world, podNamed(world, TENANT, 'pod'), agoMs);
  const played = await play(world, EVERYWHERE);
  expect(played.deletes).toEqual([]);
  expect(nodesOf(played)).toEqual(['n1: waiting/-']);
  expect(played.report.calico.nodes[0]?.why).toMatch(/^the pod reported FailedMount .* a volume that it waits for$/);
});

function deleted({ sim }: World): void {
  sim.cluster.deletePod(TENANT, 'pod');
}

/** Long overdue, and the kubelet still shows a running container: it has not come to the network. */
function hung(world: World, pod: Pod): void {
  const metadata = { ...pod.metadata, uid: 'of-the-hung-pod', deletionTimestamp: stampAgo(world, MINUTE) };
  world.sim.cluster.put('pods', { ...pod, metadata });
}

/**
 * As Kubernetes 1.34 shows a pod whose postStart hook runs: it has its network and a running container, and the kubelet's
 * status is older than both, and than its deletion. The tenant has taken Calico's annotation away.
 */
function unended(world: World): void {
  const deletionTimestamp = stampAgo(world, 2 * MINUTE);
  const { status } = hold(world, { name: 'pod', metadata: { generation: 2, deletionTimestamp } });
  const pod = podNamed(world, TENANT, 'pod');
  world.sim.cluster.put('pods', { ...pod, status: { ...status, observedGeneration: 1 } });
  world.sim.warmUp(2 * MINUTE);
}

/**
 * Its only container has no image yet, so that nothing else runs; what was added with `kubectl debug` ignores SIGTERM, and
 * the kubelet, which was pulling, began its grace period when the API server's was over.
 */
function debugged(world: World): void {
  const deletionTimestamp = stampAgo(world, 2 * MINUTE);
  const ephemeralContainers = [{ name: 'debug', image: 'registry.example/debug:1' }];
  const metadata = { generation: 3, deletionTimestamp };
  const { status } = hold(world, { name: 'pod', metadata, spec: { ephemeralContainers } as Partial<Pod['spec']> });
  const pod = podNamed(world, TENANT, 'pod');
  const running = { name: 'debug', state: { running: { startedAt: stampAgo(world, 5 * MINUTE) } }, ready: false };
  const conditions = turned(status, 'True', stampAgo(world, 5 * MINUTE));
  world.sim.cluster.put('pods', {
    ...pod,
    status: {
      ...status,
      observedGeneration: 3,
      podIP: '10.244.9.9',
      conditions,
      ephemeralContainerStatuses: [running],
    },
  });
  world.sim.warmUp(2 * MINUTE);
}

/** Kubernetes before 1.36 says only when its image has come that the pod has its sandbox. */
function addressed(world: World): void {
  hold(world, { name: 'pod', metadata: { annotations: { 'cni.projectcalico.org/podIP': '10.244.9.9/32' } } });
  world.sim.warmUp(2 * MINUTE);
}

function bound(sim: World['sim'], behaviour: { readonly kind: 'unschedulable' | 'gated' }): void {
  sim.cluster.createPod({ namespace: TENANT, name: 'pod', behaviour });
  sim.warmUp(2 * MINUTE);
}

function unseen(world: World, nodeName: string): void {
  const pod = hold(world, { name: 'pod', nodeName });
  world.sim.cluster.put('pods', { ...pod, status: { phase: 'Pending' } });
  world.sim.warmUp(2 * MINUTE);
}

describe('a pod that loses its sandbox for a moment', () => {
  test('is not stuck, however old the event is that was written about it before', async () => {
    const world = aSharedCluster();
    const { cluster, warmUp } = world.sim;
    cluster.createPod({ namespace: TENANT, name: 'pod', nodeName: 'n1' });
    warmUp(MINUTE);
    const pod = podNamed(world, TENANT, 'pod');
    const event = failureEvent(world, pod, -30 * MINUTE);
    // Its words are about a sandbox that is yet to be lost, and the API server stores it ten minutes before.
    cluster.put('events', event);
    warmUp(10 * MINUTE);
    // The tenant ends its own pause process (shareProcessNamespace), again and again: 20 s without, 5 s with a sandbox.
    const lose = (): void => {
      const { status, ...rest } = podNamed(world, TENANT, 'pod');
      cluster.put('pods', { ...rest, status: { ...status, conditions: turned(status, 'False', stampAgo(world, 0)) } });
      world.clock.after(20_000, regain);
    };
    const regain = (): void => {
      const { status, ...rest } = podNamed(world, TENANT, 'pod');
      cluster.put('pods', { ...rest, status: { ...status, conditions: turned(status, 'True', stampAgo(world, 0)) } });
      world.clock.after(5_000, lose);
    };
    lose();
    const played = await play(world, EVERYWHERE);
    expect(played.deletes).toEqual([]);
    const whys = played.events.flatMap((each) => (each.type === 'assessed' ? each.nodes.map(({ why }) => why) : []));
    expect(whys).toContainEqual(expect.stringMatching(/^stuck for \d+s, which counts after 30s$/));
  });
});

/** The kubelet's conditions for a sandbox that it lost, or made anew. */
function turned(status: Pod['status'], to: 'True' | 'False', stamp: string): Pod['status']['conditions'] {
  return (status.conditions ?? []).map((condition) =>
    condition.type === 'PodScheduled' || condition.type === 'Initialized'
      ? condition
      : { ...condition, status: to, lastTransitionTime: stamp },
  );
}
