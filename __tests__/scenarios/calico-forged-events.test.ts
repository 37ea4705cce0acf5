import { describe, expect, test } from '@jest/globals';
import type { PodOptions } from '../../simulator/cluster/workload-actions.ts';
import type { Pod } from '../../simulator/objects.ts';
import { aWorld, play, type World } from '../harness.ts';
import { CURE, outputsIn, restartedAfterMs, stampAgo, unauthorizedDelete } from './broken-node.ts';
import { failureEvent } from './tenant.ts';

const EVERYWHERE = { ...CURE, namespaces: 'shop,tenant', timeout: '3m' };
const OTHER_ERROR = 'error adding host side routes for interface: cali123, error: route already exists';

/** An event as the kubelet of the pod's node writes it, so many ms ago, and stored then. */
function genuine(world: World, pod: Pod, agoMs: number): ReturnType<typeof failureEvent> {
  const event = failureEvent(world, pod, agoMs);
  return { ...event, metadata: { ...event.metadata, creationTimestamp: stampAgo(world, agoMs) } };
}

interface Stuck {
  readonly world: World;
  readonly pod: Pod;
}

/** Pod shop/api is stuck on n1 with an error of Calico's plugin that no restart heals. */
function starting(options: Partial<PodOptions> = {}): Stuck {
  const world = aWorld();
  const { cluster, warmUp } = world.sim;
  for (const namespace of ['shop', 'tenant']) cluster.createPod({ namespace, name: 'web', nodeName: 'n2' });
  warmUp(60_000);
  cluster.breakToken('n1', { add: OTHER_ERROR, del: OTHER_ERROR });
  cluster.createPod({ namespace: 'shop', name: 'api', nodeName: 'n1', ...options });
  warmUp(120_000);
  return { world, pod: podOf(world) };
}

/** Pod shop/api should have ended on n1 a minute ago, its container has, and nothing says why the pod has not. */
function leaving(): Stuck {
  const { world, pod } = starting({ hostNetwork: true });
  const { hostNetwork: _, ...spec } = pod.spec;
  const metadata = { ...pod.metadata, uid: 'of-the-leaving-pod', deletionTimestamp: stampAgo(world, 90_000) };
  const ended = {
    exitCode: 0,
    reason: 'Completed',
    startedAt: stampAgo(world, 120_000),
    finishedAt: stampAgo(world, 90_000),
  };
  const containerStatuses = (pod.status.containerStatuses ?? []).map((status) => ({
    ...status,
    state: { terminated: ended },
    ready: false,
  }));
  world.sim.cluster.put('pods', { ...pod, metadata, spec, status: { ...pod.status, containerStatuses } });
  return { world, pod: podOf(world) };
}

function podOf({ sim }: World): Pod {
  const pod = sim.cluster.get('pods', 'shop', 'api');
  if (pod === undefined) throw new Error('shop/api is gone');
  return pod;
}

type Forgery = (event: ReturnType<typeof genuine>, pod: Pod) => ReturnType<typeof genuine>;

const FORGERIES: readonly (readonly [string, Forgery])[] = [
  ['from the kubelet of another node', (event) => ({ ...event, source: { component: 'kubelet', host: 'n2' } })],
  ['from a kubelet that does not say where it is', (event) => ({ ...event, source: { component: 'kubelet' } })],
  ['from somebody else than a kubelet', (event) => ({ ...event, source: { component: 'my-operator', host: 'n1' } })],
  ['from nobody, but reported in the kubelet’s name', (event) => ({ ...event, source: {} })],
  [
    'stored in another namespace than its pod’s',
    (event) => ({ ...event, metadata: { ...event.metadata, namespace: 'tenant' } }),
  ],
  [
    'about an object of another namespace',
    (event) => ({ ...event, involvedObject: { ...(event.involvedObject as object), namespace: 'tenant' } }),
  ],
  [
    'about another uid, such as that of a former pod of the same name',
    (event) => ({ ...event, involvedObject: { ...(event.involvedObject as object), uid: 'of-a-former-pod' } }),
  ],
  [
    'about an object of another kind',
    (event) => ({ ...event, involvedObject: { ...(event.involvedObject as object), kind: 'Node' } }),
  ],
  [
    'written with the recorder of other components',
    (event) => ({ ...event, eventTime: '2026-11-22T11:59:00.000000Z' }),
  ],
  ['with another reason', (event) => ({ ...event, reason: 'FailedCreatePodContainer' })],
  [
    'with the text behind an annotation that the plugin echoes',
    (event) => ({
      ...event,
      message: String(event.message).replace('error getting', 'invalid IP format: error getting'),
    }),
  ],
  [
    'with the text of a plugin that is not Calico’s',
    (event) => ({ ...event, message: String(event.message).replace('"calico"', '"multus"') }),
  ],
  [
    'with a 403 behind the same words',
    (event) => ({
      ...event,
      message: String(event.message).replace(/Unauthorized$/, 'pods is forbidden: User "x" cannot get: Unauthorized'),
    }),
  ],
];

describe('the text of the failure alone never deletes a pod', () => {
  test('the same event, written as a kubelet writes it about a pod that is stuck, does', async () => {
    for (const { world, pod } of [starting(), leaving()]) {
      world.sim.cluster.put('events', genuine(world, pod, 60_000));
      expect((await play(world, EVERYWHERE)).deletes).toHaveLength(1);
    }
  });

  test.each(FORGERIES)('%s', async (_, forgery) => {
    const { world, pod } = starting();
    world.sim.cluster.put('events', forgery(genuine(world, pod, 60_000), pod));
    const played = await play(world, EVERYWHERE);
    expect(played.deletes).toEqual([]);
    expect(outputsIn(played)).toMatchObject({ 'calico-auth-failure': 'false', 'affected-nodes': '[]' });
  });

  test('about the end of a pod, with a text that names the uid of another one', async () => {
    const { world, pod } = leaving();
    world.sim.cluster.put('events', {
      ...genuine(world, pod, 60_000),
      message: unauthorizedDelete('2b1f5d0e-0000-4000-8000-000000000000'),
    });
    expect((await play(world, EVERYWHERE)).deletes).toEqual([]);
  });

  test('about a pod of the host’s network, which needs nothing of Calico', async () => {
    const { world, pod } = starting({ hostNetwork: true, behaviour: { kind: 'missingSecret', as: 'volume' } });
    world.sim.cluster.put('events', genuine(world, pod, 60_000));
    const played = await play(world, EVERYWHERE);
    expect(played.deletes).toEqual([]);
    expect(outputsIn(played)['calico-auth-failure']).toBe('false');
  });

  test('with times from before the pod was there: it is about no sandbox of this pod', async () => {
    const { world, pod } = starting();
    const { metadata } = genuine(world, pod, 0);
    world.sim.cluster.put('events', { ...genuine(world, pod, 3_600_000), metadata });
    expect((await play(world, EVERYWHERE)).deletes).toEqual([]);
  });

  test('with times ahead of the API server’s: it counts from the moment in which it was stored', async () => {
    const { world, pod } = starting();
    const { metadata } = genuine(world, pod, 0);
    world.sim.cluster.put('events', { ...genuine(world, pod, -3_600_000), metadata });
    const played = await play(world, EVERYWHERE);
    expect(restartedAfterMs(played)[0]).toBeGreaterThanOrEqual(29_000);
    expect(restartedAfterMs(played)[0]).toBeLessThanOrEqual(35_000);
  });
});
