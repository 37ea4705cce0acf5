import { describe, expect, test } from '@jest/globals';
import { play } from '../harness.ts';
import {
  aBrokenWorld,
  type BrokenWorld,
  CURE,
  calicoNodeOn,
  edit,
  editDaemonSet,
  forge,
  nodeIn,
  nodesOf,
  outputsIn,
  restartByHand,
} from './broken-node.ts';

const FIVE_OF_SIX: BrokenWorld = {
  world: { nodes: ['n1', 'n2', 'n3', 'n4', 'n5', 'n6'] },
  broken: ['n1', 'n2', 'n3', 'n4', 'n5'],
  replicas: 12,
};
const OFF = { namespaces: 'shop', 'stable-for': '5s' };

describe('planned', () => {
  test.each([
    ['restart-calico-node is off', { ...OFF, 'max-node-restarts': '1' }],
    ['max-node-restarts is 0', { ...CURE, 'max-node-restarts': '0' }],
  ])(
    'because %s: every affected node, whatever the cap, with what to type, and nothing is changed',
    async (because, inputs) => {
      const world = aBrokenWorld(FIVE_OF_SIX);
      const played = await play(world, inputs);
      expect(played.deletes).toEqual([]);
      expect(played.report.calico.nodes).toHaveLength(5);
      for (const { node, action, why, command, outcome, before, after } of played.report.calico.nodes) {
        const { name } = calicoNodeOn(world, node).metadata;
        expect({ action, outcome, before, after }).toEqual({
          action: 'planned',
          outcome: null,
          before: null,
          after: null,
        });
        expect(why).toBe(`calico-system/${name} would be restarted, but ${because}`);
        expect(command).toBe(`kubectl delete pod -n calico-system ${name}`);
      }
      expect(outputsIn(played)).toMatchObject({
        verdict: 'unhealthy',
        'affected-nodes': JSON.stringify(played.report.calico.nodes.map(({ node }) => node)),
        'restarted-nodes': '[]',
      });
      expect(JSON.parse(outputsIn(played)['affected-nodes'])).toHaveLength(5);
    },
  );

  test('the reason says which node to begin with, and what to set to let the gate do it', async () => {
    const { report } = await play(aBrokenWorld(FIVE_OF_SIX), OFF);
    const [first] = report.calico.nodes;
    expect(report.reason).toContain(`restart calico-node on ${first?.node}: ${first?.command}`);
    expect(report.reason).toMatch(
      /then on the others, one node at a time, or let the gate do it with restart-calico-node$/,
    );
  });

  test('not what a guard would stop: the report says so without restarts, too', async () => {
    const world = aBrokenWorld();
    editDaemonSet(world, (set) => ({ ...set, status: { ...set.status, updatedNumberScheduled: 1 } }));
    const played = await play(world, OFF);
    expect(nodeIn(played, 'n1')).toMatchObject({ action: 'waiting', why: expect.stringContaining('rolling out') });
  });

  test('nothing more once the node has healed: somebody has typed it', async () => {
    const world = aBrokenWorld();
    world.clock.after(20_000, () => restartByHand(world, 'n1'));
    const played = await play(world, OFF);
    expect(nodesOf(played)).toEqual(['n1: none/-']);
    expect(outputsIn(played)).toMatchObject({
      verdict: 'healthy',
      'calico-auth-failure': 'true',
      'restarted-nodes': '[]',
    });
  });
});

describe('waiting', () => {
  test('stays so if the run ends, and says what was waited for', async () => {
    const world = aBrokenWorld();
    editDaemonSet(world, (set) => ({ ...set, status: { ...set.status, updatedNumberScheduled: 1 } }));
    const played = await play(world, { ...CURE, timeout: '90s' });
    expect(nodeIn(played, 'n1')).toMatchObject({
      action: 'waiting',
      why: 'DaemonSet calico-system/calico-node is rolling out (1 of 2)',
      command: null,
      outcome: null,
    });
    expect(played.report.reason).toMatch(/calico-node there was not restarted yet: DaemonSet .* is rolling out/);
    expect(played.elapsedMs).toBeGreaterThanOrEqual(90_000);
  });

  test('is what a node does whose turn has not come', async () => {
    const world = aBrokenWorld({ world: { nodes: ['n1', 'n2', 'n3'] }, broken: ['n1', 'n2'], replicas: 6 });
    const played = await play(world, CURE);
    const plans = played.events.flatMap((event) => (event.type === 'planned' ? [event] : []));
    expect(plans).toContainEqual(
      expect.objectContaining({
        node: 'n2',
        action: 'waiting',
        why: 'its turn comes when pods get their network again on n1',
      }),
    );
  });
});

describe('refused', () => {
  test('above max-node-restarts, worst nodes first, with what to type; unhealthy', async () => {
    const played = await play(aBrokenWorld(FIVE_OF_SIX), CURE);
    expect(played.deletes).toHaveLength(3);
    const refused = played.report.calico.nodes.filter(({ action }) => action === 'refused');
    expect(refused).toHaveLength(2);
    for (const { why, command } of refused) {
      expect(why).toMatch(
        /^max-node-restarts allows 3: so many nodes point to a shared cause \(service account keys, clock\)$/,
      );
      expect(command).toMatch(/^kubectl delete pod -n calico-system calico-node-\w+$/);
    }
    expect(played.report.verdict).toBe('unhealthy');
    expect(played.report.reason).toContain('max-node-restarts allows 3');
  });

  test('above max-node-restarts it is healthy all the same, if the rest recovers by itself within its patience', async () => {
    const world = aBrokenWorld({ ...FIVE_OF_SIX, stuckForMs: 35_000 });
    world.clock.after(45_000, () => {
      for (const node of FIVE_OF_SIX.broken ?? []) world.sim.cluster.restoreToken(node);
    });
    const played = await play(world, CURE);
    expect(played.report.verdict).toBe('healthy');
    expect(played.deletes).toHaveLength(3);
    expect(nodesOf(played).filter((node) => node.endsWith('none/-'))).toHaveLength(2);
    expect(JSON.parse(outputsIn(played)['affected-nodes'])).toHaveLength(5);
    expect(JSON.parse(outputsIn(played)['restarted-nodes'])).toHaveLength(3);
  });

  test('the cap counts nodes that show the failure only later', async () => {
    const world = aBrokenWorld({ world: { nodes: ['n1', 'n2', 'n3'] }, broken: ['n1'], replicas: 6 });
    world.clock.after(5_000, () => world.sim.cluster.breakToken('n2'));
    world.clock.after(30_000, () => world.sim.cluster.deploy({ namespace: 'shop', name: 'web' }));
    const played = await play(world, { ...CURE, 'max-node-restarts': '1', 'stable-for': '40s' });
    expect(nodesOf(played)).toEqual(expect.arrayContaining(['n1: restarted/cured', 'n2: refused/-']));
    expect(played.deletes).toHaveLength(1);
  });
});

describe('a node that turns out to be well is not in affected-nodes', () => {
  test('it healed before its proof was complete', async () => {
    const world = aBrokenWorld({ isFirst: true, stuckForMs: 5_000 });
    world.clock.after(3_000, () => world.sim.cluster.restoreToken('n1'));
    const played = await play(world, CURE);
    expect(outputsIn(played)).toMatchObject({
      verdict: 'healthy',
      'calico-auth-failure': 'true',
      'affected-nodes': '[]',
      'restarted-nodes': '[]',
    });
  });

  test('other pods got their network there since, and the stuck one is not even tried again', async () => {
    const world = aBrokenWorld({
      broken: [],
      before: ({ sim }) => sim.cluster.createPod({ namespace: 'shop', name: 'api', nodeName: 'n1' }),
    });
    // A pod that its kubelet has forgotten, with a genuine event of a failure that is long over.
    edit(world, 'pods', 'shop', 'api', (pod) => ({
      ...pod,
      metadata: { ...pod.metadata, name: 'forgotten', uid: 'of-the-forgotten-pod' },
      status: {
        ...pod.status,
        phase: 'Pending',
        conditions: (pod.status.conditions ?? []).map((each) =>
          each.type === 'PodScheduled' ? each : { ...each, status: 'False' },
        ),
      },
    }));
    const [forgotten] = world.sim.cluster.pods('shop').filter(({ metadata }) => metadata.name === 'forgotten');
    if (forgotten === undefined) throw new Error('there is no such pod');
    forge(world, forgotten);
    world.sim.warmUp(60_000);
    world.sim.cluster.createPod({ namespace: 'infra', name: 'witness', nodeName: 'n1' });
    world.sim.warmUp(60_000);
    const played = await play(world, { ...CURE, timeout: '60s' });
    expect(played.deletes).toEqual([]);
    expect(outputsIn(played)).toMatchObject({
      verdict: 'unhealthy',
      'calico-auth-failure': 'true',
      'affected-nodes': '[]',
    });
    expect(played.report.reason).toMatch(
      /infra\/witness got its network .*, so the node is well; look at pod shop\/forgotten/,
    );
  });
});
