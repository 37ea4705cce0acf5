import { describe, expect, test } from '@jest/globals';
import { allowAllBut, type Permissions } from '../../simulator/api/access.ts';
import { aWorld, type Inputs, play, type World } from '../harness.ts';
import { MINUTE, SECOND } from './shop.ts';

const NAMES = ['a', 'b', 'c', 'd', 'e', 'f'].map((letter) => `team-${letter}`);

/** Six namespaces, each with a Deployment; and one that is not named. */
function sixTeams(permissions: Permissions = allowAllBut()): World {
  const world = aWorld();
  for (const namespace of [...NAMES, 'other']) world.sim.cluster.deploy({ namespace, name: 'web' });
  world.sim.warmUp(MINUTE);
  world.sim.api.permissions = permissions;
  return world;
}

function named(count: number, inputs: Inputs = {}): Inputs {
  return { namespaces: NAMES.slice(0, count).join(), timeout: '3m', ...inputs };
}

/** Paths of lists of pods of the scope, without those of Calico and of witnesses. */
function podLists({ sim }: World): readonly string[] {
  return sim.requests
    .map(({ path }) => path)
    .filter((path) => /\/pods\?limit=500$/.test(path) && !path.includes('calico-system'));
}

function podWatches({ sim }: World): readonly string[] {
  return sim.requests
    .map(({ path }) => path)
    .filter((path) => /\/pods\?watch=1/.test(path) && !path.includes('calico-system'));
}

/** Nothing but what stands in a namespace may be read. */
const ONLY_NAMESPACED: Permissions = ({ namespace }) => namespace !== undefined;

describe('up to four named namespaces', () => {
  test('are listed and watched one by one', async () => {
    const world = sixTeams();
    const { report } = await play(world, named(4));
    expect(report).toMatchObject({ verdict: 'healthy', pods: { total: 4 } });
    expect(new Set(podLists(world))).toEqual(
      new Set(NAMES.slice(0, 4).map((name) => `/api/v1/namespaces/${name}/pods?limit=500`)),
    );
    expect(podWatches(world)).toHaveLength(4 * 2);
  });
});

describe('from five named namespaces on', () => {
  test('there is one list and one watch for all, and only what was named is judged', async () => {
    const world = sixTeams();
    const { report } = await play(world, named(5));
    expect(report).toMatchObject({ verdict: 'healthy', pods: { total: 5 } });
    expect(report.workloads.map(({ namespace }) => namespace).sort()).toEqual(NAMES.slice(0, 5));
    expect(new Set(podLists(world))).toEqual(new Set(['/api/v1/pods?limit=500']));
    expect(podWatches(world).every((path) => path.startsWith('/api/v1/pods?'))).toBe(true);
  });

  test('where that is forbidden, each is listed every 5 to 10 s, without a watch', async () => {
    const world = sixTeams(ONLY_NAMESPACED);
    const { report, log } = await play(world, named(6, { 'stable-for': '1m' }));
    expect(report).toMatchObject({ verdict: 'healthy', pods: { total: 6 } });
    expect(podWatches(world)).toEqual([]);
    const times = world.sim.requests
      .filter(({ path }) => path.startsWith('/api/v1/namespaces/team-a/pods'))
      .map(({ atMs }) => atMs);
    expect(times.length).toBeGreaterThan(6);
    // The last one confirms, whenever that is.
    for (const [index, atMs] of times.slice(0, -1).entries()) {
      const gapMs = atMs - (times[index - 1] ?? Number.NaN);
      if (index > 0) expect(gapMs).toBeGreaterThanOrEqual(5 * SECOND);
      if (index > 0) expect(gapMs).toBeLessThanOrEqual(11 * SECOND);
    }
    expect(log.join('\n')).not.toMatch(/lost sight|cannot see/);
  });

  test('there trouble is seen with the next list', async () => {
    const world = sixTeams(ONLY_NAMESPACED);
    world.clock.after(20 * SECOND, () =>
      world.sim.cluster.deploy({ namespace: 'team-c', name: 'web', behaviour: { kind: 'imageMissing' } }),
    );
    const { report } = await play(world, named(6, { 'stable-for': '40s' }));
    expect(report.verdict).toBe('unhealthy');
    expect(report.reason).toMatch(/^team-c\/web: /);
  });

  test('there one that is forbidden is named, and all the others are judged', async () => {
    const world = sixTeams(
      (asked) => ONLY_NAMESPACED(asked) && !(asked.namespace === 'team-c' && asked.resource === 'pods'),
    );
    const { report, log } = await play(world, named(6));
    expect(report).toMatchObject({ verdict: 'inconclusive', pods: { total: 5 } });
    expect(report.reason).toMatch(/^pods in namespace team-c may not be read: /);
    expect(log).toContainEqual(
      expect.stringContaining(
        'missing right: apiGroups: [""], resources: ["pods"], verbs: ["list", "watch"] in a Role in namespace team-c',
      ),
    );
  });

  test('missing rights in all of them are not told one by one where a cluster-wide right is there', async () => {
    const { log } = await play(sixTeams(), named(6));
    expect(log.join('\n')).not.toContain('missing right');
  });
});
