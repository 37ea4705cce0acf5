import { describe, expect, test } from '@jest/globals';
import type { Pod } from '../../simulator/objects.ts';
import { type Inputs, play, type World } from '../harness.ts';
import { aBrokenWorld, CALICO, nodesOf, stampAgo } from './broken-node.ts';
import {
  EVERYWHERE,
  failureEvent,
  forgeFailure,
  hold,
  keepFromEnding,
  OTHERS,
  podNamed,
  release,
  TENANT,
} from './tenant.ts';

const MINUTE = 60_000;
const INPUTS: Inputs = { ...EVERYWHERE, timeout: '8m', 'restart-timeout': '60s' };

/**
 * Others' pods are stuck on n1 and n2, which no restart cures; most of them on n1. Were n1 called cured, n2 would be
 * restarted next.
 */
function anIncurableWorld(): World {
  return aBrokenWorld({
    world: { nodes: ['n1', 'n2', 'n3'], calico: { namespace: CALICO, restartCures: false } },
    broken: [],
    isFirst: true,
    replicas: 0,
    after: ({ sim: { cluster, warmUp } }) => {
      for (const nodeName of ['n1', 'n2', 'n3']) {
        cluster.createPod({ namespace: TENANT, name: `runs-on-${nodeName}`, nodeName });
        cluster.createPod({ namespace: TENANT, name: `host-on-${nodeName}`, nodeName, hostNetwork: true });
      }
      warmUp(MINUTE);
      for (const node of ['n1', 'n2']) cluster.breakToken(node);
      for (const [nodeName, namespace] of [
        ['n1', OTHERS],
        ['n1', 'bank'],
        ['n2', OTHERS],
      ] as const) {
        cluster.createPod({ namespace, name: `new-on-${nodeName}`, nodeName });
      }
      warmUp(MINUTE);
    },
  });
}

/** What the tenant does when calico-node on n1 has just been restarted. */
function afterTheRestart(world: World, act: (world: World) => void): void {
  world.sim.api.faults = ({ method, nth }) => {
    if (method === 'DELETE' && nth === 1) world.clock.after(6_000, () => act(world));
    return undefined;
  };
}

/** The kubelet ends and removes a pod; `phase` as it writes it. */
function endPod(world: World, name: string, phase: string): void {
  const pod = podNamed(world, TENANT, name);
  world.sim.cluster.put('pods', { ...pod, status: { ...pod.status, phase } });
  world.clock.after(3_000, () => world.sim.cluster.remove('pods', TENANT, name));
}

/** Overdue since a minute, with a running container. */
function overdue(world: World, name: string): Pod {
  const pod = podNamed(world, TENANT, name);
  world.sim.cluster.put('pods', {
    ...pod,
    metadata: { ...pod.metadata, uid: `${name}-overdue`, deletionTimestamp: stampAgo(world, MINUTE) },
  });
  return podNamed(world, TENANT, name);
}

interface Fake {
  readonly before?: (world: World) => void;
  readonly after: (world: World) => void;
}

const FAKES: readonly (readonly [string, Fake])[] = [
  [
    'a pod of the host’s network that starts there',
    {
      after: ({ sim }) => sim.cluster.createPod({ namespace: TENANT, name: 'host', nodeName: 'n1', hostNetwork: true }),
    },
  ],
  [
    'a pod whose container hung and now ends, with a forged event about its network',
    {
      before: (world) => forgeFailure(world, overdue(world, 'runs-on-n1'), MINUTE),
      after: (world) => endPod(world, 'runs-on-n1', 'Succeeded'),
    },
  ],
  [
    'a held pod that is deleted by force',
    {
      before: (world) => {
        const pod = hold(world, { name: 'held' });
        world.sim.warmUp(MINUTE);
        forgeFailure(world, pod);
      },
      after: ({ sim }) => sim.cluster.remove('pods', TENANT, 'held'),
    },
  ],
  [
    'a pod with a finalizer that goes',
    {
      before: (world) => {
        const pod = podNamed(world, TENANT, 'runs-on-n1');
        const metadata = { ...pod.metadata, uid: 'kept', deletionTimestamp: stampAgo(world, MINUTE) };
        world.sim.cluster.put('pods', { ...pod, metadata: { ...metadata, finalizers: ['example.com/keep'] } });
        forgeFailure(world, podNamed(world, TENANT, 'runs-on-n1'), MINUTE);
      },
      after: (world) => endPod(world, 'runs-on-n1', 'Succeeded'),
    },
  ],
  [
    'a pod that had its network before, of which its kubelet says so only now (before 1.36, when its image has come)',
    {
      before: (world) => {
        hold(world, { name: 'pulls', metadata: { annotations: { 'cni.projectcalico.org/podIP': '10.244.9.9/32' } } });
        world.sim.warmUp(MINUTE);
      },
      after: (world) => release(world, podNamed(world, TENANT, 'pulls')),
    },
  ],
  [
    'annotations that Calico writes on pods that got their network',
    {
      after: (world) => {
        const pod = podNamed(world, TENANT, 'runs-on-n1');
        const annotations = {
          'cni.projectcalico.org/podIP': '10.9.9.9/32',
          'cni.projectcalico.org/containerID': 'new',
        };
        world.sim.cluster.put('pods', { ...pod, metadata: { ...pod.metadata, annotations } });
      },
    },
  ],
  [
    'events that tell of a sandbox that was made',
    {
      after: (world) => {
        const event = failureEvent(world, podNamed(world, TENANT, 'runs-on-n1'));
        const told = { ...event, message: 'Add eth0 [10.9.9.9/32] from k8s-pod-network', type: 'Normal' };
        for (const reason of ['AddedInterface', 'Started', 'SandboxChanged']) {
          const metadata = { ...event.metadata, name: `x.${reason}` };
          world.sim.cluster.put('events', { ...told, metadata, reason });
        }
      },
    },
  ],
  [
    'a Job on another node that completes',
    { after: ({ sim }) => sim.cluster.runJob({ namespace: TENANT, name: 'done', nodeName: 'n3' }) },
  ],
];

describe('the proof of cure cannot be faked by a tenant', () => {
  test.each(FAKES)('%s', async (_, { before, after }) => {
    const world = anIncurableWorld();
    before?.(world);
    afterTheRestart(world, after);
    const played = await play(world, INPUTS);
    expect(nodesOf(played)).toEqual(['n1: restarted/timed-out', 'n2: refused/-']);
    expect(played.deletes).toHaveLength(1);
    expect(played.report.verdict).toBe('unhealthy');
  });

  test('where it can be cured, a pod that gets its network proves it, whoever owns it', async () => {
    const world = anIncurableWorld();
    for (const node of ['n1', 'n2']) world.sim.cluster.setRestartCures(node, true);
    const played = await play(world, INPUTS);
    expect(nodesOf(played)).toEqual(['n1: restarted/cured', 'n2: restarted/cured']);
  });
});

describe('the refutation of a cure cannot be faked by a tenant', () => {
  test.each([
    ['its own pod', hold],
    ['its own pod that cannot end, for Calico cannot read its annotation', keepFromEnding],
  ])('an event about %s, while others’ pods are about to get their network', async (_, holdOne) => {
    const world = aBrokenWorld({
      world: { nodes: ['n1', 'n2', 'n3'] },
      broken: ['n1', 'n2'],
      isFirst: true,
      replicas: 0,
      after: (started) => {
        const { cluster, warmUp } = started.sim;
        const held = holdOne(started, { name: 'held' });
        for (const nodeName of ['n1', 'n2']) cluster.createPod({ namespace: OTHERS, name: nodeName, nodeName });
        warmUp(MINUTE);
        // Its pods get their network some seconds later than the tenant writes.
        cluster.setRestartCures('n1', false);
        started.sim.cluster.put('events', failureEvent(started, held, MINUTE - 5_000));
      },
    });
    world.sim.api.faults = ({ method, nth }) => {
      if (method !== 'DELETE' || nth !== 1) return undefined;
      world.clock.after(14_000, () => world.sim.cluster.restoreToken('n1'));
      for (const afterMs of [8_000, 10_000, 12_000]) {
        world.clock.after(afterMs, () => {
          world.sim.cluster.put('events', failureEvent(world, podNamed(world, TENANT, 'held')));
        });
      }
      return undefined;
    };
    const played = await play(world, INPUTS);
    const outcomes = played.events.flatMap((event) =>
      event.type === 'outcome' ? [`${event.node} ${event.outcome}`] : [],
    );
    expect(outcomes).toEqual(['n1 cured', 'n2 cured']);
  });
});
