import { describe, expect, test } from '@jest/globals';
import type { LoggedRequest } from '../../simulator/api/request-log.ts';
import { aWorld, type Inputs, type Played, play, type World } from '../harness.ts';
import { aBrokenWorld, CALICO } from './broken-node.ts';
import { granted, MODES, type Mode, nameOf, permit, type Right, rightOf, rightsNamed } from './rbac.ts';

/** Requests that were allowed, and those that were refused, as rights without the namespace of the scope. */
function rightsIn(requests: readonly LoggedRequest[]): {
  readonly used: readonly string[];
  readonly refused: readonly string[];
} {
  const names = (isRefused: boolean): readonly string[] => {
    const rights = requests
      .filter(({ status }) => (status === 403) === isRefused)
      .flatMap((request) => rightOf(request) ?? []);
    return [...new Set(rights.map((right) => nameOf(where(right))))].sort();
  };
  return { used: names(false), refused: names(true) };
}

/** ClusterRoles are bound for all namespaces; only what is used in Calico's namespace alone may be a Role there. */
function where(right: Right): Right {
  return right.namespace === CALICO ? right : { ...right, namespace: null };
}

const CRASHING = { kind: 'crash', log: ['panic'] } as const;

/** Everything that a gate in this mode ever does: all causes, all scopes, and the answer to its DELETE gets lost. */
const EVERYTHING: Readonly<Record<Mode, () => Promise<readonly LoggedRequest[]>>> = {
  observe: async () => {
    const shop = aWorld({ calico: false });
    shop.sim.cluster.deploy({ namespace: 'shop', name: 'web', behaviour: CRASHING });
    return [
      ...(await requestsOf(shop, 'observe', { namespaces: 'shop', timeout: '2m' })),
      ...(await everywhere('observe')),
    ];
  },
  diagnose: async () => {
    const shop = aBrokenWorld({ before: withCrash });
    return [
      ...(await requestsOf(shop, 'diagnose', { namespaces: 'shop', timeout: '3m' })),
      ...(await everywhere('diagnose')),
    ];
  },
  restart: async () => {
    const shop = aBrokenWorld({ before: withCrash });
    shop.sim.api.faults = ({ method, nth }) => (method === 'DELETE' && nth === 1 ? { kind: 'reset-after' } : undefined);
    const inputs = { namespaces: 'shop', 'restart-calico-node': 'true', timeout: '5m' };
    return [...(await requestsOf(shop, 'restart', inputs)), ...(await everywhere('restart'))];
  },
};

function withCrash({ sim }: World): void {
  sim.cluster.deploy({ namespace: 'shop', name: 'crashing', behaviour: CRASHING, nodeName: 'n2' });
}

function everywhere(mode: Mode): Promise<readonly LoggedRequest[]> {
  return requestsOf(aBrokenWorld(), mode, { 'restart-calico-node': String(mode === 'restart'), timeout: '5m' });
}

async function requestsOf(world: World, mode: Mode, inputs: Inputs): Promise<readonly LoggedRequest[]> {
  world.sim.api.permissions = permit(granted(mode));
  await play(world, inputs);
  return world.sim.requests;
}

describe('the rights in rbac/', () => {
  test.each(MODES)('%s grants what the gate uses in that mode, no more and no less', async (mode) => {
    const { used } = rightsIn(await EVERYTHING[mode]());
    // What is read in Calico's namespace alone is allowed by the rule for all namespaces, where there is one.
    const rules = granted(mode).map(nameOf);
    const needed = used
      .map((name) => name.replace(` in ${CALICO}`, ' everywhere'))
      .filter((name) => rules.includes(name));
    const own = used.filter((name) => !rules.includes(name.replace(` in ${CALICO}`, ' everywhere')));
    expect([...new Set([...needed, ...own])].sort()).toEqual([...rules].sort());
  });

  test('observe is refused only what diagnose adds', async () => {
    const added = granted('diagnose').filter((right) => !granted('observe').map(nameOf).includes(nameOf(right)));
    const { refused } = rightsIn(await EVERYTHING.observe());
    expect(refused).toEqual(added.filter(({ verb }) => verb === 'list').map(nameOf));
  });

  test.each(['diagnose', 'restart'] as const)('%s is refused nothing', async (mode) => {
    expect(rightsIn(await EVERYTHING[mode]()).refused).toEqual([]);
  });

  test('only the DELETE of pods in the namespace of Calico changes anything', () => {
    const changing = granted('restart').filter(({ verb }) => !['get', 'list', 'watch'].includes(verb));
    expect(changing.map(nameOf)).toEqual([`delete pods in ${CALICO}`]);
  });
});

/** What is left of a run that would cure a node, when one right is taken away. */
interface Left {
  readonly verdict: Played['report']['verdict'];
  readonly isRestarted: boolean;
  /** In the reason or the warnings. */
  readonly says: RegExp;
}

const NEEDED: Left = { verdict: 'inconclusive', isRestarted: true, says: /may not be read.*allow it with/ };
const LISTED: Left = { verdict: 'healthy', isRestarted: true, says: /^all 4 pods in 1 workload are ready/m };

const WITHOUT: Readonly<Record<string, Left>> = {
  'list pods everywhere': { ...NEEDED, isRestarted: false, says: /pods in namespace shop may not be read/ },
  'list deployments.apps everywhere': NEEDED,
  'list statefulsets.apps everywhere': NEEDED,
  'list daemonsets.apps everywhere': {
    verdict: 'unhealthy',
    isRestarted: false,
    says: /Calico was not found: grant list on daemonsets.*besides, daemonsets in namespace shop may not be read/,
  },
  'list jobs.batch everywhere': NEEDED,
  'watch pods everywhere': LISTED,
  'watch deployments.apps everywhere': LISTED,
  'watch statefulsets.apps everywhere': LISTED,
  'watch daemonsets.apps everywhere': LISTED,
  'watch jobs.batch everywhere': LISTED,
  'watch events everywhere': LISTED,
  'watch nodes everywhere': LISTED,
  'list events everywhere': {
    verdict: 'unhealthy',
    isRestarted: false,
    says: /events may not be read.*nothing is restarted/,
  },
  'list nodes everywhere': { ...LISTED, says: /nodes may not be read/ },
  'get namespaces everywhere': LISTED,
  'get pods/log everywhere': LISTED,
  [`get pods in ${CALICO}`]: LISTED,
  [`delete pods in ${CALICO}`]: {
    verdict: 'unhealthy',
    isRestarted: false,
    says: /the right to delete pods in namespace calico-system is missing/,
  },
};

const FULL = granted('restart');
const CURE: Inputs = { namespaces: 'shop', 'restart-calico-node': 'true', 'stable-for': '5s', timeout: '5m' };

function playWith(rights: readonly Right[]): Promise<Played> {
  const world = aBrokenWorld();
  world.sim.api.permissions = permit(rights);
  return play(world, CURE);
}

function missingRights({ log }: Played): readonly string[] {
  return log.filter((line) => line.includes('missing right:'));
}

describe('one right is missing:', () => {
  test('the table names every right there is', () => {
    expect(Object.keys(WITHOUT).sort()).toEqual(FULL.map(nameOf).sort());
  });

  test('with all of them nothing is missing, and the node is cured', async () => {
    const played = await playWith(FULL);
    expect(missingRights(played)).toEqual([]);
    expect(played).toMatchObject({ report: { verdict: 'healthy', warnings: [] }, restartedNodes: ['n1'] });
  });

  test.each(FULL.map((right): [string, Right] => [nameOf(right), right]))('%s', async (name, missing) => {
    const rights = FULL.filter((right) => right !== missing);
    const played = await playWith(rights);
    const { report, restartedNodes } = played;
    const left = WITHOUT[name] ?? NEEDED;
    expect({ verdict: report.verdict, isRestarted: restartedNodes.length > 0 }).toEqual({
      verdict: left.verdict,
      isRestarted: left.isRestarted,
    });
    expect([report.reason, ...report.warnings].join('\n')).toMatch(left.says);

    // Adding exactly what the log names makes it whole again: no more is asked for, and nothing else is needed.
    const named = missingRights(played).flatMap(rightsNamed);
    expect(new Set(named.map(({ verb, group, resource }) => `${verb} ${resource}.${group}`))).toEqual(
      new Set([`${missing.verb} ${missing.resource}.${missing.group}`]),
    );
    const mended = await playWith([...rights, ...named]);
    expect(missingRights(mended)).toEqual([]);
    expect(mended.report.verdict).toBe('healthy');
    expect(mended.restartedNodes).toEqual(['n1']);
  });
});

describe('rights in some namespaces only', () => {
  /** The rules of a mode, bound in the namespace of the scope; and what finding and restarting Calico needs, in its own. */
  const ours = granted('diagnose').map((right): Right => ({ ...right, namespace: 'shop' }));
  const calicos: readonly Right[] = [
    ...['list', 'watch'].map((verb) => ({ verb, group: 'apps', resource: 'daemonsets', namespace: CALICO })),
    ...['list', 'watch', 'get', 'delete'].map((verb) => ({ verb, group: '', resource: 'pods', namespace: CALICO })),
  ];

  test.each<[string, Inputs]>([
    ['named', { 'calico-namespace': CALICO }],
    ['one of the usual', {}],
  ])('are enough to cure a node, where the namespace of Calico is %s', async (_, inputs) => {
    const world = aBrokenWorld();
    world.sim.api.permissions = permit([...ours, ...calicos]);
    const { report, restartedNodes } = await play(world, { ...CURE, ...inputs });
    expect(report.verdict).toBe('healthy');
    expect(restartedNodes).toEqual(['n1']);
  });

  test('are asked for where Calico is, and no further, when its namespace is named', async () => {
    const world = aBrokenWorld();
    world.sim.api.permissions = permit([...ours, ...calicos]);
    const played = await play(world, { ...CURE, 'calico-namespace': CALICO });
    expect(missingRights(played).flatMap(rightsNamed).map(nameOf)).toEqual([
      'list nodes everywhere',
      'watch nodes everywhere',
    ]);
  });
});
