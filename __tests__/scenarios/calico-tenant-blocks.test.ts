import { describe, expect, test } from '@jest/globals';
import { type Inputs, type Played, play, type World } from '../harness.ts';
import { aBrokenWorld, restartedAfterMs, stampAgo } from './broken-node.ts';
import { EVERYWHERE, failureEvent, hold, OTHERS, podNamed, release, TENANT } from './tenant.ts';

const SECOND = 1_000;
const MINUTE = 60_000;
const INPUTS: Inputs = { ...EVERYWHERE, timeout: '10m' };

/** Somebody's one pod is stuck on n1, which a restart cures; all else is the tenant's. */
function aWorldInNeed(attack: (world: World) => void): World {
  return aBrokenWorld({
    world: { nodes: ['n1', 'n2', 'n3', 'n4', 'n5'] },
    isFirst: true,
    replicas: 0,
    after: (world) => {
      attack(world);
      world.sim.cluster.createPod({ namespace: OTHERS, name: 'waits', nodeName: 'n1' });
      world.sim.warmUp(MINUTE);
    },
  });
}

/** Pods of the tenant that are held on these nodes, with the best events about them. */
function holdOn(world: World, nodes: readonly string[], each: number): void {
  for (const nodeName of nodes) {
    for (let index = 0; index < each; index += 1) hold(world, { name: `held-${nodeName}-${index}`, nodeName });
  }
  world.sim.warmUp(MINUTE);
  for (const pod of world.sim.cluster.pods(TENANT)) world.sim.cluster.put('events', failureEvent(world, pod, MINUTE));
}

function restartedIn({ events }: Played): readonly string[] {
  return events.flatMap((event) => (event.type === 'restarting' ? [event.node] : []));
}

/** The tenant lets go of its pods wherever calico-node is restarted: a cure that nobody can tell from a real one. */
function releaseWhereRestarted(world: World): void {
  world.sim.api.faults = ({ method, path }) => {
    const node = method === 'DELETE' ? nodeOf(world, path) : undefined;
    if (node !== undefined) {
      world.clock.after(8 * SECOND, () => {
        for (const pod of world.sim.cluster.pods(TENANT)) if (pod.spec.nodeName === node) release(world, pod);
      });
    }
    return undefined;
  };
}

function nodeOf({ sim }: World, path: string): string | undefined {
  return sim.cluster.pods().find(({ metadata }) => path.endsWith(`/pods/${metadata.name}`))?.spec.nodeName;
}

describe('a tenant cannot keep the node of others from being restarted', () => {
  test('by using up max-node-restarts with forged failures on other nodes, cured or not', async () => {
    for (const isCured of [true, false]) {
      const world = aWorldInNeed((started) => holdOn(started, ['n2', 'n3', 'n4', 'n5'], 6));
      if (isCured) releaseWhereRestarted(world);
      const played = await play(world, INPUTS);
      expect(restartedIn(played).slice(0, 2)).toEqual(['n2', 'n1']);
      expect(played.report.calico.nodes.find(({ node }) => node === 'n1')).toMatchObject({ outcome: 'cured' });
    }
  });

  test('for longer than one restart-timeout, where the forged failure is never cured', async () => {
    const world = aWorldInNeed((started) => holdOn(started, ['n2'], 6));
    const played = await play(world, { ...INPUTS, 'restart-timeout': '60s' });
    const [forged = 0, theirs = 0] = restartedAfterMs(played);
    expect(restartedIn(played)).toEqual(['n2', 'n1']);
    expect(theirs - forged).toBeLessThanOrEqual(65 * SECOND);
  });

  test('by its own pods on that very node: held for days, waiting for volumes, or with finalizers', async () => {
    const world = aWorldInNeed((started) => {
      const { cluster, warmUp } = started.sim;
      holdOn(started, ['n1'], 3);
      cluster.createPod({
        namespace: TENANT,
        name: 'volume',
        nodeName: 'n1',
        behaviour: { kind: 'missingSecret', as: 'volume' },
      });
      cluster.createPod({ namespace: TENANT, name: 'kept', nodeName: 'n1', behaviour: { kind: 'finalizer' } });
      warmUp(MINUTE);
      cluster.deletePod(TENANT, 'kept');
      for (const pod of cluster.pods(TENANT)) {
        cluster.put('events', { ...failureEvent(started, pod), reason: 'FailedMount', message: 'not found' });
      }
    });
    const played = await play(world, INPUTS);
    expect(restartedIn(played)).toEqual(['n1']);
    expect(played.report.calico.nodes).toMatchObject([{ node: 'n1', outcome: 'cured' }]);
  });

  test('by a pod that it has held since before calico-node was started there', async () => {
    const world = aBrokenWorld({
      broken: [],
      isFirst: true,
      replicas: 0,
      before: (started) => {
        const { cluster, warmUp } = started.sim;
        hold(started, { name: 'held' });
        warmUp(MINUTE);
        cluster.put('events', failureEvent(started, podNamed(started, TENANT, 'held')));
        cluster.upgradeCalico();
        warmUp(50 * MINUTE);
      },
      after: (started) => {
        const { cluster, warmUp } = started.sim;
        cluster.breakToken('n1');
        cluster.createPod({ namespace: OTHERS, name: 'waits', nodeName: 'n1' });
        warmUp(MINUTE);
      },
    });
    const played = await play(world, INPUTS);
    expect(restartedIn(played)).toEqual(['n1']);
  });

  test('by pods that had their network before the failure, of which kubelets before 1.36 say so one after another', async () => {
    const world = aWorldInNeed((started) => {
      for (let index = 0; index < 12; index += 1) hold(started, { name: `pulls-${index}`, nodeName: 'n1' });
      started.sim.warmUp(MINUTE);
    });
    // Its registry sends one image after another.
    for (let index = 0; index < 12; index += 1) {
      world.clock.after(index * 40 * SECOND, () => release(world, podNamed(world, TENANT, `pulls-${index}`)));
    }
    const played = await play(world, INPUTS);
    expect(restartedIn(played)).toEqual(['n1']);
    expect(restartedAfterMs(played)[0]).toBeLessThanOrEqual(2 * MINUTE);
  });

  test('by many pods, events and Jobs', async () => {
    const world = aWorldInNeed((started) => {
      const { cluster, warmUp } = started.sim;
      for (let index = 0; index < 300; index += 1)
        hold(started, { name: `held-${index}`, nodeName: `n${1 + (index % 5)}` });
      cluster.runJob({
        namespace: TENANT,
        name: 'many',
        parallelism: 50,
        completions: 50,
        behaviour: { kind: 'crash' },
      });
      warmUp(MINUTE);
      for (const pod of cluster.pods(TENANT)) {
        for (const agoMs of [0, MINUTE]) cluster.put('events', failureEvent(started, pod, agoMs));
        const at = stampAgo(started, 0);
        cluster.put('events', { ...failureEvent(started, pod, 2 * MINUTE), reason: 'FailedMount', lastTimestamp: at });
      }
    });
    const played = await play(world, INPUTS);
    expect(restartedIn(played)).toContain('n1');
    expect(played.report.calico.nodes.find(({ node }) => node === 'n1')).toMatchObject({ outcome: 'cured' });
    const evidence = played.report.calico.nodes.find(({ node }) => node === 'n1')?.evidence ?? [];
    expect(evidence.map(({ pod }) => pod)).toContain(`${OTHERS}/waits`);
  });
});
