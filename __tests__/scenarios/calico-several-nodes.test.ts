import { describe, expect, test } from '@jest/globals';
import { aWorld, type Inputs, type Played, type PlayOptions, play, type World } from '../harness.ts';
import { aBrokenWorld, type BrokenWorld, CURE, nodeIn, nodesOf, outputsIn, restartByHand } from './broken-node.ts';

const BOTH: Inputs = { ...CURE, namespaces: 'shop,bank' };
const TWO_OF_THREE: BrokenWorld = { world: { nodes: ['n1', 'n2', 'n3'] }, broken: ['n1', 'n2'], replicas: 6 };
const IN_VAIN: BrokenWorld = {
  ...TWO_OF_THREE,
  world: { nodes: ['n1', 'n2', 'n3'], calico: { restartCures: false } },
};

/** Pods of a second namespace that are stuck on these nodes, too. */
function bankOn(...nodes: readonly string[]): Pick<BrokenWorld, 'after'> {
  return {
    after: ({ sim }) => {
      for (const nodeName of nodes) sim.cluster.deploy({ namespace: 'bank', name: `api-${nodeName}`, nodeName });
      sim.warmUp(60_000);
    },
  };
}

/** Nodes in the order in which their calico-node pods were deleted. */
function restartedOf({ events }: Played): readonly string[] {
  return events.flatMap((event) => (event.type === 'restarting' ? [event.node] : []));
}

/** What the log tells of restarts and outcomes, in order. */
function storyOf({ events }: Played): readonly string[] {
  return events.flatMap((event) => {
    if (event.type === 'restarting') return [`${event.node} restarting`];
    return event.type === 'outcome' ? [`${event.node} ${event.outcome}`] : [];
  });
}

describe('one node at a time', () => {
  test('the second DELETE comes after the first cure', async () => {
    const played = await play(aBrokenWorld({ ...TWO_OF_THREE, ...bankOn('n1', 'n2') }), BOTH);
    expect(storyOf(played)).toEqual(['n1 restarting', 'n1 cured', 'n2 restarting', 'n2 cured']);
    expect(played.deletes).toHaveLength(2);
    expect(played.report.verdict).toBe('healthy');
    expect(outputsIn(played)['restarted-nodes']).toBe('["n1","n2"]');
  });

  test.each<[string, BrokenWorld, string]>([
    ['not-cured: an old pod wrote the failure again', bankOn(), 'not-cured'],
    ['timed-out: only old starting pods are stuck', { isFirst: true }, 'timed-out'],
  ])('there is no second one if the first was not cured (%s)', async (_, options, outcome) => {
    const world = aBrokenWorld({ ...IN_VAIN, ...bankOn('n1', 'n2'), ...options });
    const played = await play(world, { ...BOTH, 'restart-timeout': '60s' });
    expect(storyOf(played)).toEqual(['n1 restarting', `n1 ${outcome}`]);
    expect(played.deletes).toHaveLength(1);
    expect(nodesOf(played)).toEqual([`n1: restarted/${outcome}`, 'n2: refused/-']);
    expect(nodeIn(played, 'n2').why).toMatch(
      /^no further node is restarted, because the restart of n1 was not proven to help: find out why there first$/,
    );
    expect(nodeIn(played, 'n2').command).toMatch(/^kubectl delete pod -n calico-system/);
    expect(played.report.verdict).toBe('unhealthy');
    expect(played.report.reason).toMatch(
      new RegExp(
        `restarting calico-node on n1 did not cure it${outcome === 'timed-out' ? ' in time' : ''}: .*CALICO_MANAGE_CNI.*clock`,
      ),
    );
  });

  test('there is no second one either if nothing was left to prove the first cure', async () => {
    const world = aBrokenWorld({ ...IN_VAIN, ...bankOn('n1', 'n2'), isFirst: true });
    const { cluster } = world.sim;
    world.clock.after(8_000, () => {
      cluster.cordon('n1');
      cluster.scale('bank', 'api-n1', 0);
      for (const { metadata, spec } of cluster.pods()) {
        if (spec.nodeName !== 'n1' || spec.hostNetwork === true) continue;
        cluster.deletePod(metadata.namespace ?? '', metadata.name, { force: true });
      }
    });
    const played = await play(world, BOTH);
    expect(storyOf(played)).toEqual(['n1 restarting', 'n1 unknown']);
    expect(nodeIn(played, 'n2')).toMatchObject({ action: 'refused', why: expect.stringMatching(/^no further node/) });
  });

  test('the gate waits for somebody else’s restart, too', async () => {
    const world = aBrokenWorld({ ...TWO_OF_THREE, ...bankOn('n1', 'n2') });
    let isOver = false;
    world.sim.api.faults = ({ method }) => {
      if (method === 'DELETE' && !isOver) {
        isOver = true;
        restartByHand(world, 'n1');
      }
      return undefined;
    };
    const played = await play(world, BOTH);
    expect(storyOf(played)).toEqual(['n1 restarting', 'n1 cured', 'n2 restarting', 'n2 cured']);
    expect(outputsIn(played)['restarted-nodes']).toBe('["n2"]');
  });
});

describe('the exception: a node of which one namespace alone spoke does not stop the others', () => {
  /** Pods of shop (and of web, perhaps) are stuck on n1, which no restart heals, and one pod of bank on n2. */
  function aTenantsNode(
    outcome: 'not-cured' | 'timed-out',
    namespaces: readonly string[],
    before: (sim: World['sim']) => void = () => {},
  ): World {
    const world = aWorld({ nodes: ['n1', 'n2', 'n3'] });
    const { cluster, warmUp } = world.sim;
    before(world.sim);
    for (const namespace of ['shop', 'web', 'bank']) cluster.createPod({ namespace, name: 'there', nodeName: 'n3' });
    cluster.createPod({ namespace: 'shop', name: 'old', nodeName: 'n1' });
    warmUp(60_000);
    for (const node of ['n1', 'n2']) cluster.breakToken(node);
    cluster.setRestartCures('n1', false);
    for (const namespace of namespaces) cluster.createPod({ namespace, name: 'new', nodeName: 'n1' });
    cluster.createPod({ namespace: 'shop', name: 'another', nodeName: 'n1' });
    cluster.createPod({ namespace: 'bank', name: 'new', nodeName: 'n2' });
    // A pod that cannot end reports the failure again and again; one that starts does so once.
    if (outcome === 'not-cured') cluster.deletePod('shop', 'old');
    warmUp(60_000);
    return world;
  }

  test.each(['not-cured', 'timed-out'] as const)(
    '%s there, and the next one is restarted all the same',
    async (outcome) => {
      const inputs: Inputs = { ...CURE, namespaces: '', 'restart-timeout': '60s' };
      const alone = await play(aTenantsNode(outcome, ['shop']), inputs);
      expect(storyOf(alone)).toEqual(['n1 restarting', `n1 ${outcome}`, 'n2 restarting', 'n2 cured']);
      expect(alone.deletes).toHaveLength(2);

      // What those of web wait for may come yet, whatever an old pod of shop reports: that decides with the time.
      const two = await play(aTenantsNode(outcome, ['shop', 'web']), inputs);
      expect(storyOf(two)).toEqual(['n1 restarting', 'n1 timed-out']);
      expect(two.deletes).toHaveLength(1);
    },
  );

  test.each<[string, (world: World) => void]>([
    ['a pod of theirs cannot end there either', ({ sim }) => sim.cluster.deletePod('bank', 'runs')],
    [
      'a pod of theirs cannot start there either',
      ({ sim }) => sim.cluster.createPod({ namespace: 'bank', name: 'late', nodeName: 'n1' }),
    ],
  ])('but where others say after the restart that it did not help (%s), it does', async (_, happens) => {
    const world = aTenantsNode('timed-out', ['shop'], ({ cluster }) =>
      cluster.createPod({ namespace: 'bank', name: 'runs', nodeName: 'n1' }),
    );
    world.sim.api.faults = ({ method, path }) => {
      if (method === 'DELETE' && path.includes('/calico-node-')) world.clock.after(5_000, () => happens(world));
      return undefined;
    };
    const played = await play(world, { ...CURE, namespaces: '', 'restart-timeout': '60s' });
    expect(storyOf(played)).toEqual(['n1 restarting', 'n1 timed-out']);
    expect(played.deletes).toHaveLength(1);
    expect(nodeIn(played, 'n2')).toMatchObject({ action: 'refused', why: expect.stringMatching(/^no further node/) });
  });
});

test('in a scope of one namespace nothing is restarted after a restart that did not help', async () => {
  const world = aWorld({ nodes: ['n1', 'n2', 'n3'] });
  const { cluster, warmUp } = world.sim;
  cluster.createPod({ namespace: 'shop', name: 'there', nodeName: 'n3' });
  warmUp(60_000);
  for (const node of ['n1', 'n2']) {
    cluster.breakToken(node);
    cluster.setRestartCures(node, false);
    cluster.createPod({ namespace: 'shop', name: `new-${node}`, nodeName: node });
  }
  warmUp(60_000);
  const played = await play(world, { ...CURE, namespaces: 'shop', 'restart-timeout': '60s' });
  expect(storyOf(played)).toEqual(['n1 restarting', 'n1 timed-out']);
  expect(played.deletes).toHaveLength(1);
  expect(nodeIn(played, 'n2')).toMatchObject({ action: 'refused', why: expect.stringMatching(/^no further node/) });
});

describe('the order', () => {
  const onNode =
    (pods: Readonly<Record<string, readonly string[]>>) =>
    ({ sim }: World): void => {
      for (const [nodeName, namespaces] of Object.entries(pods)) {
        for (const [index, namespace] of namespaces.entries()) {
          sim.cluster.createPod({ namespace, name: `${nodeName}-${index}`, nodeName });
        }
      }
      sim.warmUp(60_000);
    };

  test.each([
    ['in scope', 'shop, arc', 'arc'],
    ['not in scope', 'shop', 'arc'],
    ['not in scope, and nothing tells its namespace', 'shop', null],
  ])('puts the node last that the pod of the gate itself is on, which is %s', async (_, namespaces, namespace) => {
    const world = aBrokenWorld({
      world: { nodes: ['n1', 'n2', 'n3'] },
      broken: ['n1', 'n2'],
      isFirst: true,
      replicas: 0,
      before: ({ sim }) => sim.cluster.createPod({ namespace: 'arc', name: 'runner-x7k2', nodeName: 'n1' }),
      after: onNode({ n1: ['shop', 'shop', 'shop'], n2: ['shop'] }),
    });
    const played = await play(world, { ...CURE, namespaces }, { runsInPod: { name: 'runner-x7k2', namespace } });
    expect(restartedOf(played)).toEqual(['n2', 'n1']);
    expect(played.report.verdict).toBe('healthy');
  });

  test.each<[string, Record<string, readonly string[]>, PlayOptions, readonly string[]]>([
    [
      'most namespaces first',
      { n1: ['shop', 'shop', 'shop'], n2: ['shop', 'bank'], n3: ['shop', 'bank', 'web'] },
      {},
      ['n3', 'n2', 'n1'],
    ],
    [
      'then most stuck pods',
      { n1: ['shop'], n2: ['shop', 'shop'], n3: ['shop', 'shop', 'shop'] },
      {},
      ['n3', 'n2', 'n1'],
    ],
    ['then the name', { n3: ['shop'], n1: ['shop'], n2: ['shop'] }, {}, ['n1', 'n2', 'n3']],
    [
      'the node that the gate itself runs on last',
      { n1: ['shop'], n2: ['shop', 'bank', 'web'], n3: ['shop', 'shop'] },
      { runsOnNode: 'n2' },
      ['n3', 'n1', 'n2'],
    ],
  ])('%s', async (_, pods, options, order) => {
    const world = aBrokenWorld({
      world: { nodes: ['n1', 'n2', 'n3', 'n4'] },
      broken: ['n1', 'n2', 'n3'],
      isFirst: true,
      replicas: 0,
      after: onNode(pods),
    });
    const played = await play(world, { ...CURE, namespaces: '' }, options);
    expect(restartedOf(played)).toEqual(order);
    expect(played.report.verdict).toBe('healthy');
  });
});

describe('the plan is made anew after every cure', () => {
  test('a roll-out that moves on shows a broken node that had no pod coming or going before', async () => {
    // A StatefulSet replaces its last pod first, and the others only when that one is ready.
    const world = aBrokenWorld({
      broken: [],
      isFirst: true,
      replicas: 0,
      after: ({ sim }) => {
        sim.cluster.deployStatefulSet({ namespace: 'shop', name: 'db', replicas: 2 });
        sim.warmUp(60_000);
        for (const node of ['n1', 'n2']) sim.cluster.breakToken(node);
        sim.cluster.deployStatefulSet({ namespace: 'shop', name: 'db' });
        sim.warmUp(90_000);
      },
    });
    const nodes = ['db-1', 'db-0'].map((name) => world.sim.cluster.get('pods', 'shop', name)?.spec.nodeName);
    const played = await play(world, CURE);
    expect(new Set(nodes)).toEqual(new Set(['n1', 'n2']));
    expect(restartedOf(played)).toEqual(nodes);
    const [first] = played.events.filter((event) => event.type === 'assessed' && event.nodes.length > 0);
    expect(first).toMatchObject({ nodes: [{ node: nodes[0] }] });
    expect(played.report.verdict).toBe('healthy');
  });
});
