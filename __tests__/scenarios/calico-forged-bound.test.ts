import { describe, expect, test } from '@jest/globals';
import type { Pod } from '../../simulator/objects.ts';
import { created, delegated, P1, POD, thin } from '../calico/sandbox-texts.ts';
import { aWorld, type Inputs, play, type World } from '../harness.ts';
import { nodesOf, restartByHand, stampAgo, UNAUTHORIZED_ADD } from './broken-node.ts';
import { EVERYWHERE, failureEvent, hold, keepFromEnding, OTHERS, release, TENANT } from './tenant.ts';

const SECOND = 1_000;
const MINUTE = 60_000;
const SWEEP_MS = 10 * MINUTE;
const HALF_HOUR_MS = 30 * MINUTE;
const INPUTS: Inputs = { ...EVERYWHERE, timeout: '3m', 'restart-timeout': '60s', 'fail-fast': 'true' };

/** As Multus words the failure of a delegate: Calico, with a kubeconfig that the tenant has chosen. */
const THROUGH_MULTUS = created(
  `failed to setup network for sandbox "${'0123456789abcdef'.repeat(4)}": ${thin(delegated(`plugin type="calico" failed (add): ${P1}`, POD))}`,
);

interface Sweeps {
  /** When calico-node was deleted on each node, since the first run. */
  readonly deletedAtMs: Readonly<Record<string, readonly number[]>>;
  readonly runs: number;
}

/** Calls `then` with the node of each calico-node pod that is being deleted. */
function onDelete(world: World, then: (node: string) => void): void {
  world.sim.api.faults = ({ method, path }) => {
    const pod = world.sim.cluster.pods().find(({ metadata }) => path.endsWith(`/pods/${metadata.name}`));
    if (method === 'DELETE' && pod !== undefined) then(pod.spec.nodeName ?? '');
    return undefined;
  };
}

/** The tenant lets its pods of that node go, so that a restart looks like a cure and the next one may begin. */
function letGoSoon(world: World, node: string): void {
  world.clock.after(8 * SECOND, () => {
    for (const held of world.sim.cluster.pods(TENANT)) {
      if (held.spec.nodeName !== node) continue;
      if (held.status.phase === 'Pending') release(world, held);
      else if (held.metadata.deletionTimestamp !== undefined) endPod(world, held);
    }
  });
}

/** Its annotation is mended: the kubelet ends it. */
function endPod({ sim: { cluster }, clock }: World, pod: Pod): void {
  const { name } = pod.metadata;
  cluster.put('pods', { ...pod, status: { ...pod.status, phase: 'Succeeded' } });
  clock.after(SECOND, () => cluster.remove('pods', TENANT, name));
}

/** A gate that runs every ten minutes for three hours, restarts allowed; before each run `prepare` happens. */
async function sweep(world: World, prepare: (run: number) => void): Promise<Sweeps> {
  const startMs = world.clock.monotonicMs();
  const deletedAtMs: Record<string, number[]> = {};
  onDelete(world, (node) => {
    deletedAtMs[node] = [...(deletedAtMs[node] ?? []), world.clock.monotonicMs() - startMs];
    letGoSoon(world, node);
  });
  const runs = 18;
  for (let run = 0; run < runs; run += 1) {
    prepare(run);
    // Longer than the failure must have lasted.
    await world.clock.advance(45 * SECOND);
    await play(world, INPUTS);
    const untilMs = startMs + (run + 1) * SWEEP_MS;
    await world.clock.advance(Math.max(0, untilMs - world.clock.monotonicMs()));
  }
  return { deletedAtMs, runs };
}

function gaps(timesMs: readonly number[]): readonly number[] {
  return timesMs.slice(1).map((atMs, index) => atMs - (timesMs[index] ?? 0));
}

const NODES = ['n1', 'n2', 'n3'];

/** Others' pods come and go on every node all the time: the token of each calico-node is seen to work. */
function aBusyCluster(): World {
  const world = aWorld({ nodes: NODES });
  for (const nodeName of NODES) world.sim.cluster.createPod({ namespace: OTHERS, name: `there-${nodeName}`, nodeName });
  world.sim.warmUp(MINUTE);
  return world;
}

/**
 * The same, with pods that the tenant deletes while their kubelets wait for its registry or postStart hook; kubelets before
 * 1.34 do not say that they have not come to the deletion.
 */
function attackWithDeletedPods(world: World, run: number): void {
  attack(world, run, { deletionTimestamp: stampAgo(world, MINUTE) });
}

/** The same, with pods of which their kubelets say since 1.34 that they have come to their end, and cannot remove their network. */
function attackWithPodsThatCannotEnd(world: World, run: number): void {
  attack(world, run, {}, keepFromEnding);
}

/** A held pod on each node, with the best event there is; those of the run before are gone. */
function attack(world: World, run: number, metadata: Partial<Pod['metadata']> = {}, holdOne = hold): void {
  const { cluster } = world.sim;
  for (const pod of cluster.pods(TENANT)) cluster.remove('pods', TENANT, pod.metadata.name);
  for (const nodeName of NODES) {
    cluster.createPod({ namespace: OTHERS, name: `job-${run}-${nodeName}`, nodeName });
    world.clock.after(10 * SECOND, () => {
      const pod = holdOne(world, { name: `held-${run}-${nodeName}`, nodeName, metadata });
      cluster.put('events', failureEvent(world, pod));
    });
  }
}

describe('what a tenant can cause: a pod that is kept without its sandbox in silence, and a forged event about it', () => {
  test.each([
    ['held pods', attack],
    ['held pods that are deleted', attackWithDeletedPods],
    ['pods that cannot end', attackWithPodsThatCannotEnd],
  ] as const)(
    'is one restart per node and half hour, however often the gate runs and however well the tenant plays: %s',
    async (_, attackIn) => {
      const world = aBusyCluster();
      const { deletedAtMs, runs } = await sweep(world, (run) => attackIn(world, run));
      expect(runs * SWEEP_MS).toBe(6 * HALF_HOUR_MS);
      expect(Object.keys(deletedAtMs).sort()).toEqual(NODES);
      for (const times of Object.values(deletedAtMs)) {
        // It is possible, this often and not more often.
        expect(times.length).toBeGreaterThanOrEqual(4);
        expect(times.length).toBeLessThanOrEqual(6);
        for (const gap of gaps(times)) expect(gap).toBeGreaterThanOrEqual(HALF_HOUR_MS);
      }
    },
    120_000,
  );

  test.each([1, 2])(
    'is one node at a time, and no more of them in a run than max-node-restarts allows: %s',
    async (most) => {
      const world = aBusyCluster();
      const down: string[] = [];
      onDelete(world, (node) => {
        const notReady = world.sim.cluster
          .pods('calico-system')
          .filter(
            ({ status }) => !status.conditions?.some(({ type, status: is }) => type === 'Ready' && is === 'True'),
          );
        down.push(...notReady.map(({ metadata }) => metadata.name));
        letGoSoon(world, node);
      });
      attack(world, 0);
      await world.clock.advance(45 * SECOND);
      const played = await play(world, { ...INPUTS, 'max-node-restarts': `${most}` });
      expect(played.deletes).toHaveLength(most);
      const actions = nodesOf(played).map((node) => node.replace(/^.*: /, ''));
      expect(actions.toSorted()).toEqual([
        ...Array.from({ length: NODES.length - most }, () => 'refused/-'),
        ...Array.from({ length: most }, () => 'restarted/cured'),
      ]);
      expect(down).toEqual([]);
    },
  );

  test.each([
    ['a forged event', UNAUTHORIZED_ADD],
    ['a genuine one, which a NetworkAttachmentDefinition of its own makes the real plugin write', THROUGH_MULTUS],
  ])('is nothing on a node whose calico-node somebody has just restarted: %s', async (_, message) => {
    const world = aBusyCluster();
    restartByHand(world, 'n1');
    await world.clock.advance(5 * MINUTE);
    const { cluster } = world.sim;
    cluster.createPod({ namespace: OTHERS, name: 'since', nodeName: 'n1' });
    await world.clock.advance(30 * SECOND);
    cluster.put('events', { ...failureEvent(world, hold(world, { name: 'held' })), message });
    await world.clock.advance(45 * SECOND);
    const played = await play(world, INPUTS);
    expect(played.deletes).toEqual([]);
    expect(nodesOf(played)).toEqual(['n1: refused/-']);
    expect(played.report.calico.nodes[0]?.command).toMatch(/^kubectl delete pod -n calico-system calico-node-/);
  });
});
