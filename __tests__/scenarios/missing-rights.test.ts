import { describe, expect, test } from '@jest/globals';
import { type Inputs, type Played, play } from '../harness.ts';
import { aBrokenWorld, CALICO } from './broken-node.ts';
import { granted, grantedIn, nameOf, permit, type Right, rightsNamed } from './rbac.ts';

/** What is left of a run that would cure a node, when one right is taken away. */
interface Left {
  readonly verdict: Played['report']['verdict'];
  readonly isRestarted: boolean;
  /** In the reason or the warnings. */
  readonly says: RegExp;
}

const NEEDED: Left = { verdict: 'inconclusive', isRestarted: true, says: /may not be read.*allow it with/ };
const LISTED: Left = { verdict: 'healthy', isRestarted: true, says: /^all 4 pods in 1 workload are ready/m };
const NO_EVENTS: Left = {
  verdict: 'unhealthy',
  isRestarted: false,
  says: /events.* may not be read.*nothing is restarted/,
};
const NO_PODS: Left = { ...NEEDED, isRestarted: false, says: /pods in namespace shop may not be read/ };
const NO_DELETE: Left = {
  verdict: 'unhealthy',
  isRestarted: false,
  says: /the right to delete pods in namespace calico-system is missing/,
};

const CLUSTER_WIDE: Readonly<Record<string, Left>> = {
  'list pods everywhere': NO_PODS,
  'list deployments.apps everywhere': NEEDED,
  'list statefulsets.apps everywhere': NEEDED,
  'list daemonsets.apps everywhere': {
    verdict: 'unhealthy',
    isRestarted: false,
    says: /Calico was not found: grant list on daemonsets in all namespaces, or set calico-namespace.*besides, daemonsets in namespace shop may not be read/,
  },
  'list jobs.batch everywhere': NEEDED,
  'watch pods everywhere': LISTED,
  'watch deployments.apps everywhere': LISTED,
  'watch statefulsets.apps everywhere': LISTED,
  'watch daemonsets.apps everywhere': LISTED,
  'watch jobs.batch everywhere': LISTED,
  'watch events everywhere': LISTED,
  'watch nodes everywhere': LISTED,
  'list events everywhere': NO_EVENTS,
  'list nodes everywhere': { ...LISTED, says: /nodes may not be read/ },
  'get namespaces everywhere': LISTED,
  'get pods/log everywhere': LISTED,
  [`get pods in ${CALICO}`]: LISTED,
  [`delete pods in ${CALICO}`]: NO_DELETE,
};

const NAMESPACED: Readonly<Record<string, Left>> = {
  'list pods in shop': NO_PODS,
  'list deployments.apps in shop': NEEDED,
  'list statefulsets.apps in shop': NEEDED,
  'list daemonsets.apps in shop': NEEDED,
  'list jobs.batch in shop': NEEDED,
  'watch pods in shop': LISTED,
  'watch deployments.apps in shop': LISTED,
  'watch statefulsets.apps in shop': LISTED,
  'watch daemonsets.apps in shop': LISTED,
  'watch jobs.batch in shop': LISTED,
  'watch events in shop': LISTED,
  'list events in shop': NO_EVENTS,
  'get namespaces in shop': LISTED,
  'get pods/log in shop': LISTED,
  [`list daemonsets.apps in ${CALICO}`]: {
    verdict: 'unhealthy',
    isRestarted: false,
    says: /Calico was not found: grant list and watch on daemonsets in namespace calico-system/,
  },
  [`watch daemonsets.apps in ${CALICO}`]: LISTED,
  [`list pods in ${CALICO}`]: {
    verdict: 'unhealthy',
    isRestarted: false,
    says: /the right to list pods in Calico's namespace calico-system is missing/,
  },
  [`watch pods in ${CALICO}`]: LISTED,
  [`get pods in ${CALICO}`]: LISTED,
  [`delete pods in ${CALICO}`]: NO_DELETE,
};

const CURE: Inputs = { namespaces: 'shop', 'restart-calico-node': 'true', 'stable-for': '5s', timeout: '5m' };

function playWith(rights: readonly Right[], inputs: Inputs): Promise<Played> {
  const world = aBrokenWorld();
  world.sim.api.permissions = permit(rights);
  return play(world, inputs);
}

/** The rights of the lines `missing right: …`. */
function named({ log }: Played): readonly Right[] {
  return log.filter((line) => line.includes('missing right:')).flatMap(rightsNamed);
}

describe.each([
  {
    variant: 'in all namespaces',
    all: granted('restart'),
    inputs: CURE,
    left: CLUSTER_WIDE,
    never: [] as readonly string[],
  },
  {
    variant: 'in some namespaces',
    all: grantedIn('restart', ['shop']),
    inputs: { ...CURE, 'calico-namespace': CALICO },
    left: NAMESPACED,
    // Nothing within a namespace grants them, and nothing needs them.
    never: ['list nodes everywhere', 'watch nodes everywhere'],
  },
])('of the rights $variant one is missing:', ({ all, inputs, left, never }) => {
  test('the table names every right there is', () => {
    expect(Object.keys(left).sort()).toEqual(all.map(nameOf).sort());
  });

  test('with all of them nothing is missing, and the node is cured', async () => {
    const played = await playWith(all, inputs);
    expect(named(played).map(nameOf)).toEqual(never);
    expect(played).toMatchObject({ report: { verdict: 'healthy' }, restartedNodes: ['n1'] });
    expect(played.report.warnings.filter((warning) => !warning.startsWith('nodes may not be read: ')))
      // As many as there are rights that nobody can have here.
      .toEqual([]);
  });

  test.each(all.map((right): [string, Right] => [nameOf(right), right]))('%s', async (name, missing) => {
    const rights = all.filter((right) => right !== missing);
    const played = await playWith(rights, inputs);
    const { report, restartedNodes } = played;
    const { verdict, isRestarted, says } = left[name] ?? NEEDED;
    expect({ verdict: report.verdict, isRestarted: restartedNodes.length > 0 }).toEqual({ verdict, isRestarted });
    expect([report.reason, ...report.warnings].join('\n')).toMatch(says);

    // Adding exactly what the log names makes it whole again: no more is asked for, and nothing else is needed.
    const asked = named(played).filter((right) => !never.includes(nameOf(right)));
    expect(new Set(asked.map(({ verb, group, resource }) => `${verb} ${resource}.${group}`))).toEqual(
      new Set([`${missing.verb} ${missing.resource}.${missing.group}`]),
    );
    if (never.length > 0) expect(asked).toEqual([missing]);
    const mended = await playWith([...rights, ...asked], inputs);
    expect(named(mended).map(nameOf)).toEqual(never);
    expect(mended.report.verdict).toBe('healthy');
    expect(mended.restartedNodes).toEqual(['n1']);
  });
});

describe('rights in some namespaces', () => {
  const rights = grantedIn('restart', ['shop']);

  test('are enough where the namespace of Calico is one of the usual, and is not named', async () => {
    const { report, restartedNodes } = await playWith(rights, CURE);
    expect(report.verdict).toBe('healthy');
    expect(restartedNodes).toEqual(['n1']);
  });

  test('without those in Calico’s, where it is not named: what to name, or to grant, is said', async () => {
    const played = await playWith(grantedIn('observe', ['shop']).concat(eventsIn('shop')), CURE);
    expect(played.deletes).toEqual([]);
    expect(played.report.reason).toMatch(
      /Calico was not found: grant list on daemonsets in all namespaces, or set calico-namespace/,
    );
    expect(played.log).toContainEqual(
      expect.stringMatching(
        /missing right: .*"daemonsets"\], verbs: \["list", "watch"\] in a ClusterRole; Calico is looked for in the usual namespaces only; `calico-namespace` names another/,
      ),
    );
  });

  test('do not stretch to a scope of all of them: inconclusive at once, with the rules that it takes', async () => {
    const played = await playWith(rights, { ...CURE, namespaces: '' });
    expect(played.report.verdict).toBe('inconclusive');
    expect(played.deletes).toEqual([]);
    expect(named(played)).toContainEqual({ verb: 'list', group: '', resource: 'pods', namespace: null });
    expect(played.elapsedMs).toBeLessThan(60_000);
  });

  test('nor to a namespace that they were not given in', async () => {
    const played = await playWith(rights, { ...CURE, namespaces: 'shop, web' });
    expect(played.report.verdict).toBe('inconclusive');
    expect(played.report.reason).toContain('in namespace web may not be read');
    expect(named(played)).toContainEqual({ verb: 'list', group: '', resource: 'pods', namespace: 'web' });
    expect(named(played).filter(({ namespace }) => namespace === 'shop')).toEqual([]);
  });

  test('in five namespaces and more are named one by one, and enough', async () => {
    const five = ['shop', 'one', 'two', 'three', 'four'];
    const world = aBrokenWorld({
      before: ({ sim }) => {
        for (const namespace of five.slice(1)) sim.cluster.deploy({ namespace, name: 'app' });
      },
    });
    world.sim.api.permissions = permit(grantedIn('restart', five));
    const played = await play(world, { ...CURE, namespaces: five.join(), 'calico-namespace': CALICO });
    expect(played.report.verdict).toBe('healthy');
    expect(played.restartedNodes).toEqual(['n1']);
    expect(named(played).map(nameOf)).toEqual(['list nodes everywhere', 'watch nodes everywhere']);
  });
});

function eventsIn(namespace: string): readonly Right[] {
  return grantedIn('diagnose', [namespace]).filter(({ resource }) => resource === 'events');
}
