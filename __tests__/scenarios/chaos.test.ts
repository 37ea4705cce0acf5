import { describe, expect, test } from '@jest/globals';
import type { Behaviour } from '../../simulator/cluster/programs.ts';
import { createRandom, type Random } from '../../simulator/random.ts';
import { aWorld, type Played, play, type World } from '../harness.ts';
import { MINUTE, outage, SECOND } from './shop.ts';

/*
 * What can happen to a namespace while a gate watches it, at random: whatever it is, the verdict must be what the
 * cluster itself says when the run ends. Nothing happens in the last minutes, so there is always something to say.
 */

const NAMES = ['web', 'api', 'db'] as const;
const CHAOS_MS = 80 * SECOND;

function pick<T>(random: Random, values: readonly T[]): T {
  return values[Math.floor(random.between(0, values.length - 0.001))] as T;
}

function aBehaviour(random: Random): Behaviour {
  return pick<Behaviour>(random, [
    { kind: 'healthy' },
    { kind: 'healthy' },
    { kind: 'slow', readyAfterMs: random.between(2, 40) * SECOND },
    { kind: 'crash', afterMs: 3 * SECOND, times: 2 },
    { kind: 'flips', readyMs: 3 * MINUTE, notReadyMs: 4 * SECOND },
    { kind: 'imageMissing' },
    { kind: 'neverReady' },
  ]);
}

function somethingHappens({ sim }: World, random: Random): void {
  const { cluster } = sim;
  const name = pick(random, NAMES);
  const pods = cluster.pods('shop').filter(({ status }) => status.phase === 'Running');
  const pod = pods.length === 0 ? undefined : pick(random, pods).metadata.name;
  const happenings: readonly (() => void)[] = [
    () => cluster.deploy({ namespace: 'shop', name, behaviour: aBehaviour(random) }),
    () => cluster.setBehaviour('shop', name, { kind: 'healthy' }),
    () => cluster.scale('shop', name, Math.round(random.between(1, 5))),
    () => pod !== undefined && cluster.evict('shop', pod),
    () => pod !== undefined && cluster.deletePod('shop', pod),
    () => cluster.pauseController(pick(random, ['deployment', 'replicaset'] as const)),
    () => sim.api.watches.close(),
    () => sim.api.watches.reset(),
    () => cluster.runJob({ namespace: 'shop', name: `job-${Math.round(random.between(0, 1_000_000))}` }),
    () => cluster.createPod({ namespace: 'shop', name: `lone-${Math.round(random.between(0, 1_000_000))}` }),
  ];
  pick(random, happenings)();
}

/** Two Deployments and a third that is about to come, and what happens to them. */
function aWildWorld(seed: number, isCured: boolean): World {
  const world = aWorld({ seed });
  const { cluster } = world.sim;
  const random = createRandom(seed);
  for (const name of NAMES) cluster.deploy({ namespace: 'shop', name, replicas: 2, behaviour: aBehaviour(random) });
  world.sim.warmUp(random.between(1, 60) * SECOND);
  for (let atMs = 0; atMs < CHAOS_MS; atMs += random.between(1, 15) * SECOND) {
    world.clock.after(atMs, () => somethingHappens(world, random));
  }
  if (random.between(0, 1) < 0.5) outage(world, 20 * SECOND, random.between(22, 60) * SECOND);
  world.clock.after(CHAOS_MS, () => {
    for (const controller of ['deployment', 'replicaset'] as const) cluster.resumeController(controller);
    if (isCured) for (const name of NAMES) cluster.deploy({ namespace: 'shop', name, behaviour: { kind: 'healthy' } });
  });
  return world;
}

interface Truth {
  /** Workloads that are not carried out, and pods that should be ready, were long enough in the world, and are not. */
  readonly wrong: readonly string[];
  /** Pods that are not ready and were made less than a minute ago. */
  readonly young: readonly string[];
}

/** What the cluster itself would say at this moment. */
function truthOf({ sim, clock }: World): Truth {
  const { cluster } = sim;
  const unready = cluster.pods('shop').filter(({ metadata, status }) => {
    if (metadata.deletionTimestamp !== undefined || status.phase === 'Succeeded') return false;
    // Nobody makes a failed pod anew that has no owner.
    if (status.phase === 'Failed') return metadata.ownerReferences === undefined;
    return !status.conditions?.some(({ type, status: is }) => type === 'Ready' && is === 'True');
  });
  const young = unready.filter(({ metadata }) => clock.wallMs() - Date.parse(metadata.creationTimestamp) < MINUTE);
  const lagging = cluster.list('deployments', 'shop').filter(({ metadata, spec, status }) => {
    const { observedGeneration, replicas = 0, updatedReplicas = 0, availableReplicas = 0 } = status;
    const starting = young.filter(({ metadata: { labels } }) => labels?.app === metadata.name).length;
    const isShort = updatedReplicas < spec.replicas || availableReplicas < spec.replicas - starting;
    return observedGeneration !== metadata.generation || replicas > updatedReplicas || isShort;
  });
  const old = unready.filter((pod) => !young.includes(pod));
  return {
    wrong: [...lagging, ...old].map(({ metadata }) => metadata.name),
    young: young.map(({ metadata }) => metadata.name),
  };
}

function expectTruth({ report }: Played, { wrong, young }: Truth): void {
  if (report.verdict === 'healthy') {
    expect(wrong).toEqual([]);
    // As an autoscaler adds them, and then the reason says how many were not judged.
    expect(young).toHaveLength(report.pods.starting);
    return;
  }
  expect(report.verdict).toBe('unhealthy');
  expect([...wrong, ...young]).not.toEqual([]);
  expect(report.findings).not.toEqual([]);
}

describe.each([true, false])('whatever happens to a namespace, cured in the end: %s,', (isCured) => {
  test.each(Array.from({ length: 10 }, (_, index) => index + 1))('the verdict is true: seed %i', async (seed) => {
    const world = aWildWorld(seed, isCured);
    expectTruth(await play(world, { namespaces: 'shop', 'fail-fast': 'false', timeout: '7m' }), truthOf(world));
  });

  test.each(Array.from({ length: 10 }, (_, index) => index + 101))(
    'the verdict is true with fail-fast: seed %i',
    async (seed) => {
      const world = aWildWorld(seed, isCured);
      expectTruth(await play(world, { namespaces: 'shop', timeout: '7m' }), truthOf(world));
    },
  );
});
