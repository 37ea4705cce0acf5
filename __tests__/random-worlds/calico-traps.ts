import type { CalicoOptions } from '../../simulator/cluster/calico.ts';
import type { Pod } from '../../simulator/objects.ts';
import type { World } from '../harness.ts';
import { UNAUTHORIZED_ADD } from '../scenarios/broken-node.ts';
import type { Chance } from './chance.ts';
import { brokenToken, type Facts, healedToken, inVain } from './happenings.ts';
import { calicoSets, isOf } from './pod-facts.ts';
import type { FaultPlot, Plot, Step } from './story.ts';
import { barePod } from './workloads.ts';

/** What tempts a gate to a restart that one rule alone forbids. */
export interface CalicoTrap {
  /** What the world must have for it; left out: anything will do. */
  readonly calico?: readonly CalicoOptions[];
  /** Its kubelets say late that a pod has its network. */
  readonly isLate?: true;
  readonly plot: (facts: Facts) => Plot;
}

const SECOND = 1_000;

/** Everything about a trap is drawn from `apart`, so that the rest of the story stays as it is without it. */
export function calicoTrap(apart: Chance): CalicoTrap {
  return apart.pick<CalicoTrap>([
    { plot: (facts) => goneAfterTheCure(facts, apart) },
    { plot: () => beingDeleted(apart) },
    {
      calico: [{ namespace: 'calico-system' }, { namespace: 'kube-system' }],
      plot: (facts) => halfGone(facts, apart),
    },
    { plot: (facts) => otherPlugin(facts, apart) },
    { plot: (facts) => unreadable(facts, apart) },
    { isLate: true, plot: (facts) => healedUnseen(facts, apart) },
    { isLate: true, plot: (facts) => networkOfBefore(facts, apart) },
  ]);
}

/** The first node is cured by the time, its calico-node pod is no more, and only then a second one breaks for long enough. */
function goneAfterTheCure({ nodes }: Facts, apart: Chance): Plot {
  const [first = '', second = ''] = nodes;
  const brokenMs = apart.int(5, 20) * SECOND;
  const gone: Step = {
    what: `calico-node on ${first} is gone, and its controller stands still`,
    act: ({ sim: { cluster } }) => {
      cluster.pauseController('daemonset');
      remove(cluster.onNode(first).calicoNode, cluster);
    },
  };
  return {
    // Or the run would be over by then.
    before: [barePod(first, 'shop', 'lasting', { kind: 'neverReady' })],
    during: [
      { ...brokenToken(second, 'unauthorized'), atMs: brokenMs },
      { ...barePod(second, 'shop', 'then', { kind: 'healthy' }), atMs: brokenMs + 100 },
      { ...barePod(second, 'back', 'then', { kind: 'healthy' }), atMs: brokenMs + 100 },
      { ...gone, atMs: brokenMs + apart.int(5, 25) * SECOND },
    ],
  };
}

/** The first DELETE is carried out and not answered, the pod cannot be read for a while, and a second node waits for its turn. */
function unreadable({ nodes: [first = '', second = ''] }: Facts, apart: Chance): Plot {
  const forMs = apart.int(10, 60) * SECOND;
  const fault: FaultPlot = {
    what: `the first DELETE of a pod gets no answer, and single pods cannot be read for ${forMs / SECOND}s after it`,
    lagMs: 0,
    fault: ({ method, verb, resource, nth, atMs }, past) => {
      if (method === 'DELETE') return nth === 1 ? { kind: 'reset-after' } : undefined;
      const isSoon = atMs - (past.get('delete') ?? Number.NEGATIVE_INFINITY) < forMs;
      return isSoon && verb === 'get' && resource === 'pods' ? { kind: 'status', status: 503 } : undefined;
    },
  };
  const steps = [first, second].flatMap((node) => [
    brokenToken(node, 'unauthorized'),
    inVain(node),
    barePod(node, 'shop', `on-${node}`, { kind: 'healthy' }),
    barePod(node, 'back', `on-${node}`, { kind: 'healthy' }),
  ]);
  return { before: steps, during: [], faults: [fault] };
}

/** A node heals before its pod has been stuck for long enough, and what its kubelet says is as it was while it pulls. */
function healedUnseen({ nodes: [first = '', second = ''] }: Facts, apart: Chance): Plot {
  const brokenMs = apart.int(0, 20) * SECOND;
  const pulling = { kind: 'slowImage', tookMs: apart.int(100, 300) * SECOND } as const;
  return {
    before: [barePod(first, 'shop', 'lasting', { kind: 'neverReady' })],
    during: [
      { ...healedToken(second), atMs: brokenMs },
      { ...brokenToken(second, 'unauthorized'), atMs: brokenMs },
      { ...barePod(second, 'shop', 'pulling', pulling), atMs: brokenMs + 100 },
      { ...healedToken(second), atMs: brokenMs + apart.int(4, 12) * SECOND },
    ],
  };
}

/** A pod has its network from before the failure, and its kubelet says so only after a restart that was in vain. */
function networkOfBefore({ nodes: [node = ''] }: Facts, apart: Chance): Plot {
  const pulling = { kind: 'slowImage', tookMs: apart.int(40, 160) * SECOND } as const;
  return {
    before: [
      healedToken(node),
      barePod(node, 'shop', 'before', pulling),
      { what: '5s pass', act: ({ sim }) => sim.warmUp(5 * SECOND) },
      brokenToken(node, 'unauthorized'),
      inVain(node),
      barePod(node, 'shop', 'stuck', { kind: 'healthy' }),
    ],
    during: [],
  };
}

/** Somebody deletes Calico's DaemonSet and leaves its pods: what is deleted does not come back. */
function beingDeleted(apart: Chance): Plot {
  const step: Step = {
    what: "Calico's DaemonSet is being deleted",
    act: (world) => {
      const { cluster, world: time } = world.sim;
      cluster.pauseController('daemonset');
      const deletionTimestamp = `${new Date(time.wallMs()).toISOString().slice(0, 19)}Z`;
      for (const set of calicoSets(world)) {
        const metadata = { ...set.metadata, deletionTimestamp, finalizers: ['orphan'] };
        cluster.put('daemonsets', { ...set, metadata });
      }
    },
  };
  return apart.of(0.7)
    ? { before: [step], during: [] }
    : { before: [], during: [{ ...step, atMs: apart.int(0, 30) * SECOND }] };
}

/** One of two installations loses its pod on a broken node for a while: the other one is not the right one for that. */
function halfGone({ nodes: [node = ''] }: Facts, apart: Chance): Plot {
  const pick = apart.int(0, 1);
  const step: Step = {
    what: `one of two calico-node pods on ${node} is gone, and its controller stands still`,
    act: (world) => {
      const { cluster } = world.sim;
      const there = cluster.onNode(node).pods.filter((pod) => calicoSets(world).some((set) => isOf(pod, set)));
      if (there.length < 2) throw new Error('the simulated cluster has no second installation');
      cluster.pauseController('daemonset');
      remove(there[pick], cluster);
    },
  };
  return {
    before: [barePod(node, 'shop', 'lasting', { kind: 'neverReady' })],
    during: [{ ...step, atMs: apart.int(15, 60) * SECOND }],
  };
}

function remove(pod: Pod | undefined, cluster: World['sim']['cluster']): void {
  if (pod !== undefined) cluster.deletePod(pod.metadata.namespace ?? '', pod.metadata.name, { force: true });
}

/** Calico may not do what it is asked to, and a tenant writes that another plugin's token was refused. */
function otherPlugin({ nodes }: Facts, apart: Chance): Plot {
  const node = nodes.at(-1) ?? '';
  const forged: Step = {
    what: 'a forged event about that pod: the failure of another plugin',
    act: ({ sim: { cluster } }) => {
      if (cluster.get('pods', 'shop', 'refused') === undefined) return;
      const message = UNAUTHORIZED_ADD.replace('type="calico"', 'type="cilium-cni"');
      cluster.createEvent({ namespace: 'shop', pod: 'refused', reason: 'FailedCreatePodSandBox', message });
    },
  };
  return {
    before: [brokenToken(node, 'forbidden'), barePod(node, 'shop', 'refused', { kind: 'healthy' })],
    during: [{ ...forged, atMs: apart.int(2, 20) * SECOND }],
  };
}
