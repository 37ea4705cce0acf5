import { describe, expect, test } from '@jest/globals';
import { allowAll, allowAllBut, type Permissions } from '../../simulator/api/access.ts';
import { INPUTS } from '../../src/contract.ts';
import { parseSettings, type RawSettings } from '../../src/settings.ts';
import { type Inputs, play, settingsOf } from '../harness.ts';
import { aBrokenWorld, CALICO, CURE, nodeIn, nodesOf, outputsIn, restartedAfterMs } from './broken-node.ts';

describe('restart-calico-node', () => {
  test('is off by default: the plan is reported with the exact kubectl command, and nothing is changed', async () => {
    const world = aBrokenWorld();
    const played = await play(world, { namespaces: 'shop' });
    expect(settingsOf().restartCalicoNode).toBe(false);
    expect(nodeIn(played, 'n1')).toMatchObject({
      action: 'planned',
      command: expect.stringMatching(/^kubectl delete pod -n calico-system calico-node-\w+$/),
    });
    expect(world.sim.requests.filter(({ method }) => method !== 'GET' && method !== 'POST')).toEqual([]);
    const posted = world.sim.requests.filter(({ method }) => method === 'POST').map(({ path }) => path);
    expect(posted.filter((path) => !path.endsWith('/selfsubjectaccessreviews'))).toEqual([]);
  });

  test('names the context in the command when one was chosen', async () => {
    const played = await play(aBrokenWorld(), { namespaces: 'shop', context: "prod 'eu'" });
    expect(nodeIn(played, 'n1').command).toMatch(
      /^kubectl delete pod -n calico-system calico-node-\w+ --context 'prod '\\''eu'\\'''$/,
    );
  });

  test('on: the only write of the run is the DELETE of that one pod', async () => {
    const world = aBrokenWorld();
    const played = await play(world, CURE);
    const writes = world.sim.requests.filter(({ method, path }) => method !== 'GET' && !path.includes('accessreviews'));
    expect(writes.map(({ method }) => method)).toEqual(['DELETE']);
    expect(played.restartedNodes).toEqual(['n1']);
  });

  test('on, and nothing is broken: no write, and no right to delete is asked about twice', async () => {
    const world = aBrokenWorld({ broken: [] });
    expect((await play(world, CURE)).report).toMatchObject({ verdict: 'healthy', calico: { detected: false } });
    expect(world.sim.requests.filter(({ method }) => method === 'DELETE')).toEqual([]);
    const reviews = world.sim.requests.filter(({ path }) => path.includes('accessreviews')).map(({ body }) => body);
    expect(new Set(reviews).size).toBe(reviews.length);
  });
});

describe('max-node-restarts', () => {
  test.each([
    ['0', 0],
    ['1', 1],
    ['2', 2],
    ['', 3],
  ])('%j: most nodes to restart calico-node on', async (value, restarts) => {
    const world = aBrokenWorld({
      world: { nodes: ['n1', 'n2', 'n3', 'n4', 'n5'] },
      broken: ['n1', 'n2', 'n3', 'n4'],
      replicas: 10,
    });
    const played = await play(world, { ...CURE, 'max-node-restarts': value });
    expect(played.deletes).toHaveLength(restarts);
    expect(new Set(played.deletes).size).toBe(restarts);
    expect(played.restartedNodes).toHaveLength(restarts);
  });

  test('a restart that somebody else did is not counted', async () => {
    const world = aBrokenWorld({ world: { nodes: ['n1', 'n2', 'n3'] }, broken: ['n1', 'n2'], replicas: 6 });
    let isOver = false;
    world.sim.api.faults = ({ method, path }) => {
      if (method !== 'DELETE' || isOver) return undefined;
      isOver = true;
      world.sim.cluster.deletePod(CALICO, path.split('/').at(-1) ?? '');
      return undefined;
    };
    const played = await play(world, { ...CURE, 'max-node-restarts': '1' });
    expect(played.restartedNodes).toEqual(['n2']);
    expect(played.report.verdict).toBe('healthy');
  });
});

describe('restart-timeout', () => {
  const warningsOf = (value: string): readonly string[] => {
    const inputs: Inputs = { 'restart-timeout': value, 'restart-calico-node': 'true' };
    const raw = Object.fromEntries(INPUTS.map(({ name }) => [name, inputs[name] ?? ''])) as RawSettings;
    const parsed = parseSettings(raw);
    if ('problems' in parsed) throw new Error(parsed.problems.join());
    return parsed.warnings;
  };

  test('is 3m by default; below 45s, three retries of the kubelet, a cure may be missed: a warning', () => {
    expect(settingsOf().restartTimeoutMs).toBe(180_000);
    expect(warningsOf('44s')).toEqual([expect.stringMatching(/restart-timeout is below 45s.*may be missed/)]);
    expect(warningsOf('45s')).toEqual([]);
  });

  test('is the longest time for one restarted node to prove that pods get a network again', async () => {
    const world = aBrokenWorld({ world: { calico: { restartCures: false } }, isFirst: true });
    const played = await play(world, { ...CURE, 'restart-timeout': '100s' });
    const outcome = played.report.timeline.find(({ what }) => what.includes('timed-out'));
    const afterMs = Date.parse(outcome?.at ?? '') - Date.parse(played.report.startedAt);
    const [restartedMs = 0] = restartedAfterMs(played);
    expect(afterMs - restartedMs).toBeGreaterThanOrEqual(100_000);
    expect(afterMs - restartedMs).toBeLessThanOrEqual(103_000);
  });

  test.each([
    ['60 s of timeout are left', { timeout: '63s' }, 1],
    ['59 s of timeout are left', { timeout: '61s' }, 0],
    ['restart-timeout is shorter than 60 s and still fits', { timeout: '53s', 'restart-timeout': '50s' }, 1],
    ['restart-timeout is shorter than 60 s and no longer fits', { timeout: '51s', 'restart-timeout': '50s' }, 0],
  ])(
    'no restart begins with less than this, or 60 s if that is shorter, left of timeout: %s',
    async (_, inputs, deletes) => {
      // The second look, which decides, comes two seconds after the first.
      const played = await play(aBrokenWorld(), { ...CURE, ...inputs });
      expect(played.deletes).toHaveLength(deletes);
      if (deletes === 0) expect(nodeIn(played, 'n1').why).toMatch(/of timeout is left.*raise timeout/);
    },
  );

  test('that too little time is left is said only where all else would allow the restart', async () => {
    const world = aBrokenWorld();
    world.sim.api.permissions = allowAllBut({ verb: 'delete', resource: 'pods' });
    const played = await play(world, { ...CURE, timeout: '30s' });
    expect(nodeIn(played, 'n1').why).toMatch(/^the right to delete pods/);
  });

  test('an end of the run while a cure is being proven leaves the outcome unknown, and the run still has its verdict', async () => {
    const world = aBrokenWorld({ world: { calico: { restartCures: false } }, isFirst: true });
    const played = await play(world, { ...CURE, timeout: '70s' });
    expect(nodesOf(played)).toEqual(['n1: restarted/unknown']);
    expect(played.report.verdict).toBe('unhealthy');
    expect(played.elapsedMs).toBeGreaterThanOrEqual(70_000);
    expect(played.report.reason).toMatch(/calico-node there was restarted, without proof of a cure yet/);
  });
});

describe('calico-namespace', () => {
  const WHERE = 'net-a';
  /** May see everything in the scope and in Calico's namespace, and nothing cluster-wide. */
  const narrow: Permissions = (asked) =>
    allowAll(asked) && (asked.namespace === 'shop' || asked.namespace === WHERE || asked.resource.endsWith('reviews'));

  test('empty: Calico is found wherever it is', async () => {
    const played = await play(aBrokenWorld({ world: { calico: { namespace: WHERE } } }), CURE);
    expect(played.report.calico.installations).toEqual([{ namespace: WHERE, daemonSet: 'calico-node' }]);
    expect(nodesOf(played)).toEqual(['n1: restarted/cured']);
  });

  test('tells where it is when the credentials may not list DaemonSets in all namespaces', async () => {
    const options = { world: { calico: { namespace: WHERE }, permissions: narrow } };
    const without = await play(aBrokenWorld(options), CURE);
    expect(nodeIn(without, 'n1')).toMatchObject({
      action: 'refused',
      why: 'Calico was not found: grant list on daemonsets in all namespaces, or set calico-namespace',
    });
    const played = await play(aBrokenWorld(options), { ...CURE, 'calico-namespace': WHERE });
    expect(nodesOf(played)).toEqual(['n1: restarted/cured']);
    expect(outputsIn(played)).toMatchObject({ verdict: 'healthy', 'restarted-nodes': '["n1"]' });
  });

  test.each(['calico-system', 'kube-system'])(
    'is not needed for %s, where it is looked for anyway',
    async (namespace) => {
      const permissions: Permissions = (asked) =>
        allowAll(asked) &&
        (asked.namespace === 'shop' || asked.namespace === namespace || asked.resource.endsWith('reviews'));
      const played = await play(aBrokenWorld({ world: { calico: { namespace }, permissions } }), CURE);
      expect(nodesOf(played)).toEqual(['n1: restarted/cured']);
    },
  );

  test('that holds no Calico while it is elsewhere: found all the same, where DaemonSets may be listed', async () => {
    const played = await play(aBrokenWorld(), { ...CURE, 'calico-namespace': 'nowhere' });
    expect(nodesOf(played)).toEqual(['n1: restarted/cured']);
  });
});
