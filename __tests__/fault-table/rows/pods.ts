import type { BehaviourSource } from '../../../simulator/cluster/programs.ts';
import { aWorld, type Inputs, type World, type WorldOptions } from '../../harness.ts';
import { MINUTE, podOf, SECOND } from '../../scenarios/shop.ts';
import type { Bounds, Expected, FaultRow } from '../row.ts';
import { shop } from '../worlds.ts';

/** The world of a row: an empty cluster, and what is done to it. */
function cluster(act: (world: World) => void): (base: WorldOptions) => World {
  return (base) => {
    const world = aWorld(base);
    act(world);
    return world;
  };
}

/** shop/web with one pod, deployed so long ago. */
function deployed(behaviour: BehaviourSource, agoMs = 0): (base: WorldOptions) => World {
  return cluster(({ sim }) => {
    sim.cluster.deploy({ namespace: 'shop', name: 'web', behaviour });
    sim.warmUp(agoMs);
  });
}

/** A healthy Deployment of another name. */
function named(name: string): (base: WorldOptions) => World {
  return cluster(({ sim }) => {
    sim.cluster.deploy({ namespace: 'shop', name });
    sim.warmUp(MINUTE);
  });
}

function pod(
  id: string,
  fault: string,
  requests: Bounds,
  timeMs: Bounds,
  world: FaultRow['world'],
  expected: Pick<Expected, 'verdict' | 'reason'> & Partial<Expected>,
  more: Partial<FaultRow> = {},
): FaultRow {
  return { id, fault, world, expected: { requests, timeMs, ...expected }, ...more };
}

/** All that there is to judge is ready, `count` pods. */
function healthy(
  ready: number,
  more: Partial<Expected> = {},
): Pick<Expected, 'verdict' | 'reason'> & Partial<Expected> {
  const reason = ready === 1 ? /^1 pod in 1 workload is ready/ : new RegExp(`^all ${ready} pods`);
  return { verdict: 'healthy', reason, ...more, pods: { ready, ...more.pods } };
}

function unhealthy(
  reason: RegExp,
  more: Partial<Expected> = {},
): Pick<Expected, 'verdict' | 'reason'> & Partial<Expected> {
  return { verdict: 'unhealthy', reason, ...more };
}

const LONGER: Inputs = { timeout: '10m' };

function rollBack({ sim }: World): void {
  const oneByOne = { maxSurge: 0, maxUnavailable: 1, progressDeadlineSeconds: 30 };
  sim.cluster.deploy({ namespace: 'shop', name: 'web', behaviour: { kind: 'imageMissing' }, ...oneByOne });
  sim.warmUp(2 * MINUTE);
  sim.cluster.deploy({ namespace: 'shop', name: 'web', behaviour: { kind: 'healthy' } });
}

export const POD_ROWS: readonly FaultRow[] = [
  pod(
    '25',
    'no pod matches the selector',
    [46, 70],
    [55_200, 66_000],
    named('wbe'),
    unhealthy(/^0 pods matched `app=web`, expected at least 1 \(min-pods\)/, { pods: { total: 0 } }),
    { inputs: { selector: 'app=web' } },
  ),
  pod(
    '25b',
    'no pod matches the selector, and min-pods: 0',
    [42, 64],
    0,
    named('wbe'),
    { verdict: 'healthy', reason: /^nothing is in scope, which min-pods: 0 allows$/, pods: { total: 0 } },
    { inputs: { selector: 'app=web', 'min-pods': '0' } },
  ),
  pod(
    '26',
    'no pods for 40 s, then healthy ones',
    [48, 74],
    [42_700, 51_600],
    cluster(() => {}),
    healthy(2),
    { happens: [[40 * SECOND, ({ sim }) => sim.cluster.deploy({ namespace: 'shop', name: 'web', replicas: 2 })]] },
  ),
  pod(
    '27',
    'ready for 5 s, then a crash',
    [42, 66],
    [28_900, 35_700],
    deployed({ kind: 'crash', afterMs: 5 * SECOND }),
    unhealthy(/CrashLoop|restarts, exit code/),
    { inputs: { 'stable-for': '15s' } },
  ),
  pod(
    '28',
    'a new pod fails while the others are stable',
    [42, 64],
    [38_200, 46_300],
    shop,
    unhealthy(/^shop\/api: /),
    {
      inputs: { 'stable-for': '15s' },
      happens: [
        [
          10 * SECOND,
          ({ sim }) => sim.cluster.deploy({ namespace: 'shop', name: 'api', behaviour: { kind: 'imageMissing' } }),
        ],
      ],
    },
  ),
  pod(
    '29',
    "a StatefulSet's pod is replaced under its name, whose old one crashed",
    [42, 64],
    [5_100, 8_300],
    cluster(({ sim }) => {
      sim.cluster.deployStatefulSet({ namespace: 'shop', name: 'db', behaviour: { kind: 'crash', afterMs: SECOND } });
      sim.warmUp(3 * MINUTE);
      sim.cluster.deployStatefulSet({ namespace: 'shop', name: 'db', behaviour: { kind: 'healthy' } });
      sim.cluster.deletePod('shop', 'db-0', { force: true });
    }),
    healthy(1),
  ),
  pod(
    '30',
    'a crash loop from before the run',
    [42, 66],
    [1_300, 3_900],
    deployed({ kind: 'crash', afterMs: SECOND }, 10 * MINUTE),
    unhealthy(/^shop\/web: .*restarts, exit code/),
  ),
  pod(
    '31',
    'a progress deadline that an earlier roll-out exceeded',
    [42, 64],
    [6_800, 10_300],
    (base) => {
      const world = shop(base);
      rollBack(world);
      return world;
    },
    healthy(2),
  ),
  pod(
    '32',
    'the registry is down for 90 s',
    [51, 77],
    [92_300, 108_600],
    deployed({ kind: 'registryDown' }),
    healthy(1),
    {
      happens: [[90 * SECOND, ({ sim }) => sim.cluster.setBehaviour('shop', 'web', { kind: 'healthy' })]],
    },
  ),
  pod(
    '33',
    'the image does not exist',
    [42, 64],
    [28_700, 35_500],
    deployed({ kind: 'imageMissing' }),
    unhealthy(/^shop\/web: .*not found/),
  ),
  pod(
    '34',
    'no node for it, until one is added after 3 min',
    [63, 93],
    [174_700, 203_400],
    deployed({ kind: 'unschedulable' }),
    healthy(1),
    {
      inputs: LONGER,
      happens: [[3 * MINUTE, ({ sim }) => sim.cluster.addNode({ name: 'big', cpus: 128 })]],
    },
  ),
  pod(
    '35',
    'a pod was evicted, and replaced',
    [42, 64],
    [4_100, 7_100],
    (base) => {
      const world = shop(base);
      world.sim.cluster.evict('shop', podOf(world, 'web').metadata.name);
      world.sim.warmUp(MINUTE);
      return world;
    },
    healthy(2, { pods: { total: 3, superseded: 1 } }),
  ),
  pod(
    '36',
    "a Job's pod failed, and its retry succeeded",
    [42, 64],
    [4_100, 7_100],
    (base) => {
      const world = shop(base);
      const { cluster: model } = world.sim;
      model.runJob({
        namespace: 'shop',
        name: 'migrate',
        behaviour: { kind: 'crash', afterMs: SECOND },
        backoffLimit: 3,
      });
      world.sim.warmUp(5 * SECOND);
      model.setBehaviour('shop', 'migrate', { kind: 'completes' });
      world.sim.warmUp(MINUTE);
      return world;
    },
    healthy(2, { pods: { completed: 1, superseded: 1 } }),
  ),
  pod(
    '37',
    'a Job completes, and its TTL deletes it',
    [42, 64],
    [13_400, 17_800],
    (base) => {
      const world = shop(base);
      world.sim.cluster.runJob({ namespace: 'shop', name: 'migrate', ttlSeconds: 8 });
      return world;
    },
    healthy(2, { pods: { total: 2, completed: 0 }, log: [/completed/] }),
    { inputs: { 'stable-for': '15s' } },
  ),
  pod(
    '53',
    'a node is lost, with 15 of 30 pods',
    [52, 78],
    3 * MINUTE,
    (base) => {
      const world = aWorld(base);
      world.sim.cluster.deploy({ namespace: 'shop', name: 'web', replicas: 30 });
      world.sim.warmUp(MINUTE);
      world.sim.cluster.loseNode('n1');
      world.sim.warmUp(MINUTE);
      return world;
    },
    unhealthy(/^\d+ pods on n1 are not ready: node n1 is not ready: /, { pods: { total: 30 } }),
  ),
];
