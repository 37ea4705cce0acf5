import { type Inputs, type Played, play, start, type World, type WorldOptions } from '../../harness.ts';
import { CURE, edit, forge, restartByHand, stampAgo, waitingOn } from '../../scenarios/broken-node.ts';
import { aShop, MINUTE, podOf, SECOND } from '../../scenarios/shop.ts';
import type { Bounds, Expected, FaultRow } from '../row.ts';
import { broken, CURED } from '../worlds.ts';

const HOUR = 60 * MINUTE;
const SIX_NODES = { nodes: Array.from({ length: 6 }, (_, index) => `n${index + 1}`) };

function calico(
  id: string,
  fault: string,
  requests: Bounds,
  timeMs: Bounds,
  world: FaultRow['world'],
  expected: Partial<Expected>,
  more: Partial<FaultRow> = {},
): FaultRow {
  return {
    id,
    fault,
    world,
    inputs: CURE,
    expected: {
      verdict: 'healthy',
      reason: CURED,
      requests,
      timeMs,
      ...expected,
    },
    ...more,
  };
}

const onSixNodes = (base: WorldOptions): World =>
  broken({ broken: ['n1', 'n2', 'n3', 'n4', 'n5'], replicas: 12 })({ ...base, ...SIX_NODES });

/** A pod of another namespace got its network on n1 while shop/web was stuck there, 20 s ago. */
function withWitness(base: WorldOptions): World {
  const world = broken({
    isFirst: true,
    before: ({ sim }) => sim.cluster.createPod({ namespace: 'infra', name: 'witness', nodeName: 'n2' }),
  })(base);
  const since = stampAgo(world, 20 * SECOND);
  edit(world, 'pods', 'infra', 'witness', (pod) => {
    const conditions = (pod.status.conditions ?? []).map((each) => ({ ...each, lastTransitionTime: since }));
    return { ...pod, spec: { ...pod.spec, nodeName: 'n1' }, status: { ...pod.status, conditions } };
  });
  return world;
}

/** Only old pods are in the way: they cannot give their network back, and no new one may come before they are gone. */
const leavingOnly = broken({
  before: ({ sim }) => sim.cluster.deploy({ namespace: 'shop', name: 'web', strategy: 'Recreate' }),
});

/** Ready pods, and an event with the failure about one of them. */
function forgedAboutReady(base: WorldOptions): World {
  const world = aShop(4, base);
  forge(world, podOf(world, 'web'));
  return world;
}

/** Pods that wait for their network for another reason, and an event with the failure that no kubelet wrote. */
function forgedAboutStuck(base: WorldOptions): World {
  const world = broken({ state: 'nodename-missing' })(base);
  for (const pod of waitingOn(world, 'n1')) {
    forge(world, pod, { overrides: { source: { component: 'my-operator', host: 'n1' } } });
  }
  return world;
}

/** Two gates and a sweep, each beginning a moment after the other; the first is the one that the row is about. */
async function together(world: World, inputs: Inputs): Promise<Played> {
  const sweep = { 'restart-calico-node': 'true', 'stable-for': '5s', 'stuck-after': '5m', 'min-pods': '0' };
  const later = (delayMs: number, settings: Inputs, seed: number): Promise<Played> =>
    new Promise((resolve, reject) => {
      world.clock.after(delayMs, () => start(world, settings, { seed }).then(resolve, reject));
    });
  const gates = [start(world, inputs), later(SECOND, inputs, 23), later(1_500, sweep, 5)];
  const [first, ...others] = await world.clock.run(Promise.all(gates));
  const verdicts = others.map(({ report }) => report.verdict).join();
  if (first === undefined || verdicts !== 'healthy,healthy') throw new Error(`the other gates ended ${verdicts}`);
  return first;
}

/** A gate whose runner is lost right after its DELETE; the next one is the one that the row is about. */
async function afterLostRunner(world: World, inputs: Inputs): Promise<Played> {
  const lost = new AbortController();
  world.sim.api.faults = ({ method }) => {
    if (method === 'DELETE') world.clock.after(200, () => lost.abort('SIGKILL'));
    return undefined;
  };
  await play(world, inputs, { signal: lost.signal });
  return await play(world, inputs);
}

const UNCURED: Partial<Expected> = { verdict: 'unhealthy' };

export const CALICO_ROWS: readonly FaultRow[] = [
  calico('38', "Calico's failure on one node, with three pods", [56, 84], [16_800, 21_700], broken(), {
    deletes: 1,
    nodes: ['n1: restarted/cured'],
  }),
  calico(
    '38b',
    "Calico's failure, and nothing may be restarted",
    [48, 74],
    [55_200, 66_000],
    broken(),
    { ...UNCURED, reason: /kubectl delete pod -n calico-system calico-node-\w+/, nodes: ['n1: planned/-'] },
    { inputs: { ...CURE, 'restart-calico-node': 'false' } },
  ),
  calico(
    '39',
    "Calico's failure on 5 of 6 nodes, and three may be restarted",
    [87, 125],
    [55_300, 66_100],
    onSixNodes,
    {
      ...UNCURED,
      reason:
        /^7 pods on 2 nodes .*max-node-restarts allows 3: so many nodes point to a shared cause \(service account keys, clock\)/,
      deletes: 3,
      nodes: ['n2: refused/-', 'n1: refused/-', 'n3: restarted/cured', 'n4: restarted/cured', 'n5: restarted/cured'],
    },
    { inputs: { ...CURE, timeout: '10m' } },
  ),
  calico('40', "Calico's failure, and a pod got its network there 20 s ago", [56, 84], [33_100, 40_500], withWitness, {
    deletes: 1,
    nodes: ['n1: restarted/cured'],
    log: [/infra\/witness got its network/],
  }),
  calico(
    '41',
    'the restart does not cure',
    [58, 86],
    [18_000, 23_400],
    (base) => broken()({ ...base, calico: { namespace: 'calico-system', restartCures: false } }),
    { ...UNCURED, reason: /did not cure it/, deletes: 1, nodes: ['n1: restarted/not-cured'] },
  ),
  calico('42', 'only pods that cannot end have the failure', [56, 84], [14_300, 18_800], leavingOnly, {
    deletes: 1,
    nodes: ['n1: restarted/cured'],
  }),
  calico(
    '43',
    'the plugin does not find /var/lib/calico/nodename',
    [53, 81],
    3 * MINUTE,
    broken({ state: 'nodename-missing' }),
    {
      ...UNCURED,
      reason: /nodename/,
    },
  ),
  calico('43b', "a 403 in the words of Calico's failure", [53, 81], 3 * MINUTE, broken({ state: 'forbidden' }), {
    ...UNCURED,
    reason: /Calico lacks a permission: .*restore Calico's ClusterRole/,
  }),
  calico('45', 'a forged event with the failure, about a ready pod', [43, 67], [4_100, 7_100], forgedAboutReady, {}),
  calico(
    '45b',
    'a forged event with the failure, about a stuck pod, not from its kubelet',
    [53, 81],
    3 * MINUTE,
    forgedAboutStuck,
    {
      ...UNCURED,
      reason: /nodename/,
    },
  ),
  calico(
    '46',
    'the events have expired, and pods are still stuck',
    [43, 67],
    [1_300, 3_900],
    (base) => broken({ isFirst: true, stuckForMs: 2 * HOUR })({ ...base, eventTtlMs: HOUR }),
    { ...UNCURED, reason: /events may have expired/ },
  ),
  calico(
    '47',
    'two gates and a sweep at once',
    [144, 202],
    [17_000, 22_000],
    broken(),
    { deletes: 1, nodes: ['n1: restarted/cured'] },
    { play: together },
  ),
  calico(
    '48',
    'the runner was lost in mid-restart, and the next run begins',
    [95, 137],
    [14_900, 19_600],
    broken(),
    { deletes: 1, nodes: ['n1: none/-'], log: [/n1: waiting: install-cni of calico-system\/calico-node-\w+ ended/] },
    { play: afterLostRunner },
  ),
  calico(
    '49',
    'somebody else restarts the node in the moment in which the DELETE arrives',
    [56, 84],
    [16_800, 21_700],
    broken(),
    { deletes: 1, nodes: ['n1: none/-'] },
    {
      options: (world) => {
        let isDone = false;
        world.sim.api.faults = ({ method }) => {
          if (method === 'DELETE' && !isDone) {
            isDone = true;
            restartByHand(world, 'n1');
          }
          return undefined;
        };
        return {};
      },
    },
  ),
  calico(
    '54',
    'the DaemonSet of calico-node is rolling out',
    [45, 69],
    [21_800, 27_500],
    broken(),
    { deletes: 0, nodes: ['n1: none/-'], log: [/DaemonSet calico-system\/calico-node is rolling out/] },
    { happens: [[SECOND, ({ sim }) => sim.cluster.upgradeCalico()]] },
  ),
  calico(
    '56',
    'kubelets that write no PodReadyToStartContainers yet',
    [48, 74],
    [55_200, 66_000],
    (base) => {
      const world = broken()(base);
      for (const { metadata } of world.sim.cluster.pods('shop')) {
        edit(world, 'pods', 'shop', metadata.name, (pod) => {
          const conditions = (pod.status.conditions ?? []).filter(({ type }) => type !== 'PodReadyToStartContainers');
          return { ...pod, status: { ...pod.status, conditions } };
        });
      }
      return world;
    },
    { ...UNCURED, reason: /kubectl delete pod/, nodes: ['n1: planned/-'] },
    { inputs: { ...CURE, 'restart-calico-node': 'false' } },
  ),
  ...[600, -600].map(
    (seconds, index): FaultRow =>
      calico(
        `52${['', 'b'][index]}`,
        `this machine's clock is ten minutes ${seconds > 0 ? 'behind' : 'ahead'}`,
        [56, 84],
        [16_800, 21_800],
        (base) => broken()({ ...base, serverSkewMs: seconds * SECOND }),
        { deletes: 1, nodes: ['n1: restarted/cured'] },
      ),
  ),
];
