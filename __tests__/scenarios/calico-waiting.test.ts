import { describe, expect, test } from '@jest/globals';
import type { RequestSeen } from '../../simulator/api/request-log.ts';
import type { Condition } from '../../simulator/objects.ts';
import { play, type World } from '../harness.ts';
import {
  aBrokenWorld,
  type BrokenWorld,
  CURE,
  edit,
  editDaemonSet,
  forge,
  nodeIn,
  restartedAfterMs,
  setNotReady,
  stampAgo,
  waitingOn,
} from './broken-node.ts';

/** What alone holds the DELETE back, and for how many seconds of the run. */
interface Delay {
  /** The world that both runs live in, and what is different for the one that is not held back. */
  readonly world?: BrokenWorld;
  readonly worldWithout?: BrokenWorld;
  readonly inTheWay?: (world: World) => void;
  readonly without: number;
  readonly with: readonly [number, number];
}

const IS_FIRST: BrokenWorld = { isFirst: true };
const THREE_NODES: BrokenWorld = { world: { nodes: ['n1', 'n2', 'n3'] } };
/** Proven ten seconds after the run has begun: late enough to lose sight of something before. */
const NOT_PROVEN_YET: BrokenWorld = { stuckForMs: 20_000 };

/** A pod of another namespace got its network on n1 so long ago. */
function gotItsNetwork(world: World, agoMs: number): void {
  const since = stampAgo(world, agoMs);
  edit(world, 'pods', 'infra', 'witness', (pod) => ({
    ...pod,
    spec: { ...pod.spec, nodeName: 'n1' },
    status: {
      ...pod.status,
      conditions: (pod.status.conditions ?? []).map((each): Condition => ({ ...each, lastTransitionTime: since })),
    },
  }));
}

const A_WITNESS_ELSEWHERE: BrokenWorld = {
  ...IS_FIRST,
  before: ({ sim }) => sim.cluster.createPod({ namespace: 'infra', name: 'witness', nodeName: 'n2' }),
};

/** Everything with this in its path fails from the first to the sixtieth second, watches included. */
function outOfSight(what: RegExp): (world: World) => void {
  return ({ clock, sim }) => {
    const beganMs = clock.monotonicMs();
    const isOver = (): boolean => clock.monotonicMs() - beganMs > 60_000;
    const isLost = ({ method, path }: RequestSeen): boolean =>
      method === 'GET' && what.test(path) && clock.monotonicMs() - beganMs >= 1_000 && !isOver();
    sim.api.faults = (request) => (isLost(request) ? { kind: 'status', status: 503 } : undefined);
    clock.after(1_000, () => sim.api.watches.close());
  };
}

const DELAYS: readonly (readonly [string, Delay, RegExp])[] = [
  [
    'pods that have been stuck for less than 30 s',
    { world: { stuckForMs: 10_000 }, worldWithout: { stuckForMs: 31_000 }, without: 4, with: [18, 24] },
    /stuck for \d+s, which counts after 30s/,
  ],
  ...(['FailedMount', 'FailedAttachVolume'] as const).map((reason): readonly [string, Delay, RegExp] => [
    `${reason} of the stuck pods within 130 s`,
    {
      world: IS_FIRST,
      inTheWay: (world) => {
        for (const pod of waitingOn(world, 'n1')) forge(world, pod, { reason, message: 'volume "data" is not there' });
      },
      without: 4,
      with: [129, 135],
    },
    new RegExp(`reported ${reason} \\d+s ago: it may be a volume that it waits for`),
  ]),
  [
    'a pod that got its network there 20 s ago: a sign that the node is well, void after 45 s',
    { world: A_WITNESS_ELSEWHERE, inTheWay: (world) => gotItsNetwork(world, 20_000), without: 4, with: [24, 40] },
    /infra\/witness got its network on the node \w+ after the last failure: the pod has \d+s to follow/,
  ],
  [
    'a calico-node pod of another node that became not ready within 5 min',
    { world: THREE_NODES, inTheWay: (world) => setNotReady(world, 'n3', 60_000), without: 4, with: [235, 245] },
    /calico-node-\w+ on node n3 is not Ready: one node at a time/,
  ],
  [
    'a roll-out of the DaemonSet that has begun',
    {
      inTheWay: (world) => {
        editDaemonSet(world, (set) => ({ ...set, status: { ...set.status, updatedNumberScheduled: 1 } }));
        world.clock.after(60_000, () => world.sim.cluster.resumeController('daemonset'));
      },
      without: 4,
      with: [60, 63],
    },
    /DaemonSet calico-system\/calico-node is rolling out \(1 of 2\)/,
  ],
  [
    'a new template that the DaemonSet’s controller has not observed yet',
    {
      inTheWay: (world) => {
        editDaemonSet(world, (set) => ({ ...set, metadata: { ...set.metadata, generation: 2 } }));
        world.clock.after(60_000, () => world.sim.cluster.resumeController('daemonset'));
      },
      without: 4,
      with: [60, 63],
    },
    /DaemonSet calico-system\/calico-node is rolling out$/,
  ],
  [
    'events that cannot be seen at the moment',
    { world: NOT_PROVEN_YET, inTheWay: outOfSight(/\/events/), without: 12, with: [60, 100] },
    /events in namespace shop cannot be seen at the moment/,
  ],
  [
    'pods of the scope that cannot be seen at the moment',
    { world: NOT_PROVEN_YET, inTheWay: outOfSight(/\/namespaces\/shop\/pods/), without: 12, with: [60, 100] },
    /pods in namespace shop cannot be seen at the moment/,
  ],
  [
    'pods of Calico’s namespace that cannot be seen at the moment',
    { world: NOT_PROVEN_YET, inTheWay: outOfSight(/\/namespaces\/calico-system\/pods/), without: 12, with: [60, 100] },
    /pods in Calico's namespace calico-system cannot be seen at the moment/,
  ],
];

describe('alone holds the DELETE back, until it has passed, and the log says what is waited for', () => {
  test.each(DELAYS)('%s', async (_, delay, why) => {
    const free = await play(aBrokenWorld({ ...delay.world, ...delay.worldWithout }), CURE);
    expect(restartedAfterMs(free)).toHaveLength(1);
    expect(restartedAfterMs(free)[0]).toBeLessThanOrEqual(delay.without * 1_000);

    const world = aBrokenWorld(delay.world);
    delay.inTheWay?.(world);
    const held = await play(world, CURE);
    const [atLeast, atMost] = delay.with;
    expect(restartedAfterMs(held)).toHaveLength(1);
    expect(restartedAfterMs(held)[0]).toBeGreaterThanOrEqual(atLeast * 1_000);
    expect(restartedAfterMs(held)[0]).toBeLessThanOrEqual(atMost * 1_000);
    const told = held.events.filter((event) => event.type === 'planned');
    expect(told).toContainEqual(
      expect.objectContaining({ node: 'n1', action: 'waiting', why: expect.stringMatching(why) }),
    );
    expect(nodeIn(held, 'n1')).toMatchObject({ action: 'restarted', outcome: 'cured' });
    expect(held.deletes).toHaveLength(1);
  });
});
