import { describe, expect, test } from '@jest/globals';
import { type Inputs, type Played, play, start, type World } from '../harness.ts';
import { aBrokenWorld, CALICO, CURE, calicoNodeOn, nodeIn, nodesOf, outputsIn } from './broken-node.ts';

const SWEEP: Inputs = { 'restart-calico-node': 'true', 'stable-for': '5s', 'stuck-after': '5m', 'min-pods': '0' };
const MINUTE = 60_000;

/** How the DELETEs were answered. */
const answersTo = ({ sim }: World): readonly (number | undefined)[] =>
  sim.requests.filter(({ method }) => method === 'DELETE').map(({ status }) => status);

/** How many calico-node pods n1 has had since the world began: one more for each restart. */
function countRestarts(world: World): () => number {
  const uids = new Set<string>([calicoNodeOn(world, 'n1').metadata.uid]);
  world.sim.api.faults = () => {
    const uid = world.sim.cluster.onNode('n1').calicoNode?.metadata.uid;
    if (uid !== undefined) uids.add(uid);
    return undefined;
  };
  return () => uids.size - 1;
}

function startLater(world: World, delayMs: number, inputs: Inputs, seed: number): Promise<Played> {
  return new Promise((resolve, reject) => {
    world.clock.after(delayMs, () => start(world, inputs, { seed }).then(resolve, reject));
  });
}

describe('two gates at once', () => {
  test('in the very same moment: one DELETE is carried out, the other gate waits for that cure', async () => {
    const world = aBrokenWorld();
    const restarts = countRestarts(world);
    const gates = await world.clock.run(
      Promise.all([start(world, CURE, { seed: 11 }), start(world, CURE, { seed: 23 })]),
    );
    expect(gates.map(({ report }) => report.verdict)).toEqual(['healthy', 'healthy']);
    expect(answersTo(world).filter((status) => status === 200)).toHaveLength(1);
    expect(restarts()).toBe(1);
    expect(gates.map((gate) => outputsIn(gate)['restarted-nodes']).sort()).toEqual(['["n1"]', '[]']);
    expect(gates.flatMap(nodesOf).sort()).toEqual(['n1: none/-', 'n1: restarted/cured']);
    const loser = gates.find((gate) => nodesOf(gate)[0] === 'n1: none/-');
    expect(loser?.log.join('\n')).toMatch(
      /calico-node-\w+ had been restarted by somebody else: waiting for the new pod/u,
    );
  });

  test('in the very same moment, where calico-node has a grace period: one restart, and the grace stays as it is', async () => {
    const graceSeconds = 5;
    const world = aBrokenWorld({ world: { calico: { namespace: CALICO, graceSeconds } } });
    const restarts = countRestarts(world);
    const before = calicoNodeOn(world, 'n1').metadata;
    const graces = new Set<string>();
    const look = (): void => {
      const pod = world.sim.cluster.pods(CALICO).find(({ metadata }) => metadata.uid === before.uid);
      const { deletionTimestamp: until, deletionGracePeriodSeconds: seconds } = pod?.metadata ?? {};
      if (until !== undefined) graces.add(`${seconds} s, until ${until}`);
      if (pod !== undefined) world.clock.after(50, look);
    };
    look();
    const gates = await world.clock.run(
      Promise.all([start(world, CURE, { seed: 11 }), start(world, CURE, { seed: 23 })]),
    );
    // The API server takes both, and tells neither of the other: a DELETE without a grace of its own shortens none.
    const deletes = world.sim.requests.filter(({ method }) => method === 'DELETE');
    expect(deletes.map(({ status, atMs }) => [status, atMs])).toEqual(Array(2).fill([200, deletes[0]?.atMs]));
    const wanted = { apiVersion: 'v1', kind: 'DeleteOptions', preconditions: { uid: before.uid } };
    expect(deletes.map(({ body }) => JSON.parse(body ?? ''))).toEqual([wanted, wanted]);
    expect(restarts()).toBe(1);
    expect([...graces]).toEqual([expect.stringMatching(/^5 s, until 20/u)]);
    expect(gates.map(({ report }) => report.verdict)).toEqual(['healthy', 'healthy']);
    expect(gates.flatMap(nodesOf)).toEqual(Array(2).fill('n1: restarted/cured'));
  });

  test.each([500, 1_000, 5_000])('%i ms apart: there is only one DELETE', async (apartMs) => {
    const world = aBrokenWorld();
    const gates = await world.clock.run(Promise.all([start(world, CURE), startLater(world, apartMs, CURE, 23)]));
    expect(gates.map(({ report }) => report.verdict)).toEqual(['healthy', 'healthy']);
    expect(answersTo(world)).toEqual([200]);
  });

  test('with two broken nodes: never two calico-node pods down at once, one DELETE for each node', async () => {
    const world = aBrokenWorld({ world: { nodes: ['n1', 'n2', 'n3'] }, broken: ['n1', 'n2'], replicas: 6 });
    let mostDown = 0;
    const count = (): void => {
      const pods = world.sim.cluster.pods(CALICO);
      const ready = pods.filter(({ status }) =>
        status.conditions?.some((condition) => condition.type === 'Ready' && condition.status === 'True'),
      );
      mostDown = Math.max(mostDown, 3 - ready.length);
      world.clock.after(50, count);
    };
    count();
    const gates = await world.clock.run(Promise.all([start(world, CURE), startLater(world, 700, CURE, 23)]));
    expect(gates.map(({ report }) => report.verdict)).toEqual(['healthy', 'healthy']);
    expect(answersTo(world).filter((status) => status === 200)).toHaveLength(2);
    expect(mostDown).toBe(1);
  });

  test('and a sweep over the whole cluster: still one', async () => {
    const world = aBrokenWorld();
    const gates = await world.clock.run(
      Promise.all([start(world, CURE), startLater(world, 1_500, SWEEP, 5), startLater(world, 3_000, CURE, 23)]),
    );
    expect(gates.map(({ report }) => report.verdict)).toEqual(['healthy', 'healthy', 'healthy']);
    expect(answersTo(world)).toEqual([200]);
  });
});

describe('one run after the other: the cluster itself is the memory', () => {
  test('a runner that was lost in mid-restart: the next run sees the young calico-node pod and waits', async () => {
    const world = aBrokenWorld();
    const lost = new AbortController();
    world.sim.api.faults = ({ method }) => {
      if (method === 'DELETE') world.clock.after(200, () => lost.abort('SIGKILL'));
      return undefined;
    };
    await play(world, CURE, { signal: lost.signal });
    world.sim.api.faults = () => undefined;
    const next = await play(world, CURE);
    expect(next.report.verdict).toBe('healthy');
    expect(answersTo(world)).toEqual([200]);
    expect(nodesOf(next)).toEqual(['n1: none/-']);
    expect(next.log.join('\n')).toMatch(/n1: waiting: install-cni of calico-system\/calico-node-\w+ ended/);
  });

  test('a sweep every ten minutes does not repeat a restart that cannot cure', async () => {
    const world = aBrokenWorld({ world: { calico: { restartCures: false } } });
    const runs: Played[] = [];
    for (let nth = 0; nth < 5; nth += 1) {
      runs.push(await play(world, { ...SWEEP, timeout: '5m' }));
      await world.clock.advance(5 * MINUTE);
    }
    expect(answersTo(world)).toEqual([200]);
    expect(runs.map(nodesOf)).toEqual([['n1: restarted/not-cured'], ...Array(4).fill(['n1: refused/-'])]);
    for (const run of runs.slice(1)) {
      expect(nodeIn(run, 'n1').why).toMatch(/^another restart would be in vain: .*CALICO_MANAGE_CNI/);
      expect(run.report.verdict).toBe('unhealthy');
    }
  });

  test.each<[string, number, boolean, string]>([
    ['within half an hour where pods of two namespaces speak of it', 10 * MINUTE, true, 'restarted/cured'],
    ['not where one namespace alone does', 10 * MINUTE, false, 'refused/-'],
    ['later where one namespace alone does', 30 * MINUTE, false, 'restarted/cured'],
  ])('a failure that is a new one is healed again: %s', async (_, afterMs, isShared, outcome) => {
    const world = aBrokenWorld();
    expect(nodesOf(await play(world, CURE))).toEqual(['n1: restarted/cured']);
    await world.clock.advance(afterMs);
    world.sim.cluster.breakToken('n1');
    world.sim.cluster.deploy({ namespace: 'shop', name: 'web' });
    if (isShared) world.sim.cluster.createPod({ namespace: 'bank', name: 'waits', nodeName: 'n1' });
    await world.clock.advance(MINUTE);
    const again = await play(world, { ...CURE, namespaces: isShared ? 'shop bank' : 'shop' });
    expect(nodesOf(again)).toEqual([`n1: ${outcome}`]);
    expect(again.deletes).toHaveLength(outcome === 'refused/-' ? 1 : 2);
  });
});
