import { describe, expect, test } from '@jest/globals';
import { allowAllBut } from '../../simulator/api/access.ts';
import type { CalicoOptions } from '../../simulator/cluster/calico.ts';
import type { Pod } from '../../simulator/objects.ts';
import type { DaemonSet } from '../../simulator/workload-objects.ts';
import type { Action } from '../../src/calico/case.ts';
import { type Inputs, type Played, play, type World } from '../harness.ts';
import {
  aBrokenWorld,
  type BrokenWorld,
  CALICO,
  CURE,
  calicoNodeOn,
  edit,
  editDaemonSet,
  nodeIn,
  restartByHand,
  setNotReady,
  stampAgo,
} from './broken-node.ts';

/** What alone keeps the gate from deleting a calico-node pod. Without it the same world gets its DELETE. */
interface Obstacle {
  /** The world that both runs live in, and what is different for the one that deletes the pod. */
  readonly world?: BrokenWorld;
  readonly worldWithout?: BrokenWorld;
  readonly inputs?: Inputs;
  /** What is different in the run that deletes nothing. */
  readonly inTheWay?: (world: World) => void;
  readonly inputsInTheWay?: Inputs;
}

const THREE_NODES = { world: { nodes: ['n1', 'n2', 'n3'] } };

function editCalicoNode(world: World, node: string, change: (pod: Pod) => Pod): void {
  world.sim.cluster.pauseController('daemonset');
  edit(world, 'pods', CALICO, calicoNodeOn(world, node).metadata.name, change);
}

const REFUSED: readonly (readonly [string, Obstacle, RegExp])[] = [
  [
    'no calico-node pod on the node',
    {
      inTheWay: (world) => {
        world.sim.cluster.pauseController('daemonset');
        world.sim.cluster.remove('pods', CALICO, calicoNodeOn(world, 'n1').metadata.name);
      },
    },
    /^no calico-node pod runs on the node/,
  ],
  [
    'a calico-node pod that has not been Ready for long',
    { inTheWay: (world) => setNotReady(world, 'n1', 600_000) },
    /calico-node-\w+ is not Ready: find out why first/,
  ],
  [
    'a calico-node pod that is being deleted and does not end',
    {
      inTheWay: (world) =>
        editCalicoNode(world, 'n1', (pod) => ({
          ...pod,
          metadata: { ...pod.metadata, deletionTimestamp: stampAgo(world, 60_000), finalizers: ['example.com/keep'] },
        })),
    },
    /is being deleted and does not end/,
  ],
  [
    'a DaemonSet that is being deleted',
    {
      inTheWay: (world) =>
        editDaemonSet(world, (set) => ({
          ...set,
          metadata: {
            ...set.metadata,
            deletionTimestamp: stampAgo(world, 5_000),
            finalizers: ['example.com/keep'],
          },
        })),
    },
    /DaemonSet calico-system\/calico-node is being deleted/,
  ],
  [
    'pods that run where the DaemonSet no longer wants them',
    {
      inTheWay: (world) =>
        editDaemonSet(world, (set) => ({ ...set, status: { ...set.status, numberMisscheduled: 1 } })),
    },
    /run where it no longer wants them/,
  ],
  [
    'OnDelete with a template that is not rolled out',
    {
      world: { world: { calico: { namespace: CALICO, updateStrategy: 'OnDelete' } } },
      inTheWay: (world) => editDaemonSet(world, withNewTemplate),
    },
    /deleting the pod would upgrade the node/,
  ],
  [
    'policy-only Calico',
    { inTheWay: (world) => editDaemonSet(world, withoutInstallCni) },
    /policy-only Calico without install-cni/,
  ],
  [
    'two installations with a pod on the node, and nothing that tells which one it is',
    {
      world: { world: { calico: [{ namespace: 'net-a' }] satisfies CalicoOptions[] } },
      inTheWay: ({ sim }) => {
        // A second installation does not heal by itself: the runtime reads what the first one writes.
        sim.cluster.setRestartCures('n1', false);
        sim.cluster.installCalico({ namespace: 'net-b' });
        sim.warmUp(60_000);
        sim.cluster.setRestartCures('n1', true);
      },
    },
    /two Calico installations have a pod on the node \(net-a\/calico-node-\w+, net-b\/calico-node-\w+\): set calico-namespace/,
  ],
  [
    'no right to delete pods in Calico’s namespace, as an access review says',
    {
      inTheWay: ({ sim }) => {
        sim.api.permissions = allowAllBut({ verb: 'delete', resource: 'pods', namespace: CALICO });
      },
    },
    /^the right to delete pods in namespace calico-system is missing/,
  ],
  [
    'no right to list pods in Calico’s namespace',
    {
      inTheWay: ({ sim }) => {
        sim.api.permissions = allowAllBut({ verb: ['list', 'watch', 'get'], resource: 'pods', namespace: CALICO });
      },
    },
    /^the right to list pods in Calico's namespace calico-system is missing/,
  ],
  [
    'Calico in an unusual namespace, and no right to list DaemonSets in all namespaces',
    {
      world: { world: { calico: { namespace: 'net-a' } } },
      inTheWay: ({ sim }) => {
        sim.api.permissions = (asked) =>
          allowAllBut()(asked) && (asked.resource !== 'daemonsets' || asked.namespace === 'shop');
      },
    },
    /grant list on daemonsets in all namespaces, or set calico-namespace/,
  ],
  [
    'a cap that other nodes have used up',
    {
      world: { ...THREE_NODES, broken: ['n1', 'n2', 'n3'], replicas: 6 },
      inputsInTheWay: { 'max-node-restarts': '2' },
    },
    /max-node-restarts allows 2/,
  ],
  ['less of timeout left than 60 s', { inputsInTheWay: { timeout: '61s' } }, /less than 1m of timeout is left/],
  [
    'less of timeout left than restart-timeout',
    { inputs: { 'restart-timeout': '45s' }, inputsInTheWay: { timeout: '46s' } },
    /less than 45s of timeout is left/,
  ],
  [
    'a restart before the run that did not help within restart-timeout',
    {
      // Starting pods write no new event, so it is only known that they are still stuck.
      world: { isFirst: true },
      inTheWay: (world) => {
        world.sim.cluster.setRestartCures('n1', false);
        restartByHand(world, 'n1');
        world.sim.warmUp(185_000);
      },
    },
    /in vain: shop\/web-\w+-\w+ has been stuck since before calico-system\/calico-node-\w+ was started/,
  ],
  [
    'a failure that came back after a restart before the run',
    {
      inTheWay: (world) => {
        world.sim.cluster.setRestartCures('n1', false);
        restartByHand(world, 'n1');
        world.sim.warmUp(40_000);
      },
    },
    /in vain: the failure came back after calico-system\/calico-node-\w+ had started/,
  ],
  [
    'a failure soon after calico-node was started, and no pod that ever got its network from it',
    {
      // Of one namespace alone it would be too soon for another restart.
      world: { before: restartedBefore, after: bankWaits },
      inputs: { namespaces: 'shop bank' },
      worldWithout: {
        before: (world) => {
          restartedBefore(world);
          world.sim.cluster.createPod({ namespace: 'infra', name: 'witness', nodeName: 'n1' });
          world.sim.warmUp(10_000);
        },
      },
    },
    /in vain: no pod got its network since calico-system\/calico-node-\w+ was started/,
  ],
  [
    'a DaemonSet that bears Calico’s name and does not mount the folder of the CNI configuration',
    { inTheWay: (world) => editDaemonSet(world, withoutCniMount) },
    /no Calico DaemonSet is in the cluster/,
  ],
  [
    'a pod with calico-node’s name and labels that belongs to another DaemonSet',
    {
      inTheWay: (world) =>
        editCalicoNode(world, 'n1', (pod) => ({
          ...pod,
          metadata: {
            ...pod.metadata,
            ownerReferences: (pod.metadata.ownerReferences ?? []).map((owner) => ({ ...owner, uid: 'another' })),
          },
        })),
    },
    /^no calico-node pod runs on the node/,
  ],
];

function withNewTemplate(set: DaemonSet): DaemonSet {
  const generation = (set.metadata.generation ?? 1) + 1;
  const { updatedNumberScheduled: _, ...status } = set.status;
  return { ...set, metadata: { ...set.metadata, generation }, status: { ...status, observedGeneration: generation } };
}

function withoutInstallCni(set: DaemonSet): DaemonSet {
  const { initContainers: _, ...spec } = set.spec.template.spec;
  return { ...set, spec: { ...set.spec, template: { ...set.spec.template, spec } } };
}

function withoutCniMount(set: DaemonSet): DaemonSet {
  const volumes = (set.spec.template.spec.volumes ?? []).filter(({ name }) => name !== 'cni-net-dir');
  return {
    ...set,
    spec: { ...set.spec, template: { ...set.spec.template, spec: { ...set.spec.template.spec, volumes } } },
  };
}

function bankWaits({ sim: { cluster, warmUp } }: World): void {
  cluster.createPod({ namespace: 'bank', name: 'waits', nodeName: 'n1' });
  warmUp(60_000);
}

function restartedBefore(world: World): void {
  restartByHand(world, 'n1');
  world.sim.warmUp(60_000);
}

async function both(obstacle: Obstacle): Promise<{ readonly free: Played; readonly held: Played }> {
  const { world = {}, worldWithout = {}, inputs = {}, inputsInTheWay = {} } = obstacle;
  const free = await play(aBrokenWorld({ ...world, ...worldWithout }), { ...CURE, ...inputs });
  const blocked = aBrokenWorld(world);
  obstacle.inTheWay?.(blocked);
  return { free, held: await play(blocked, { ...CURE, timeout: '3m', ...inputs, ...inputsInTheWay }) };
}

describe('alone keeps the gate from deleting the pod, and the report says so', () => {
  test.each(REFUSED)('%s', async (_, obstacle, why) => {
    const { free, held } = await both(obstacle);
    const nodes = free.report.calico.nodes.map(({ node }) => node);
    expect(nodes).toContain('n1');
    expect(free.deletes).toHaveLength(nodes.length);
    expect(nodes.map((node) => nodeIn(free, node))).toEqual(
      nodes.map(() => expect.objectContaining({ action: 'restarted', outcome: 'cured' })),
    );

    const refused = held.report.calico.nodes.filter(({ action }): boolean => action === ('refused' satisfies Action));
    expect(refused).toEqual([expect.objectContaining({ outcome: null, why: expect.stringMatching(why) })]);
    expect(held.deletes).toHaveLength(nodes.length - 1);
    // What a person may do by hand where only this run may not.
    const isForPeople = /^the right to delete|^max-node-restarts|of timeout is left/.test(refused[0]?.why ?? '');
    expect(refused[0]?.command !== null).toBe(isForPeople);
    expect(held.report.verdict).toBe('unhealthy');
    expect(held.report.reason).toMatch(/401 Unauthorized/);
    expect(held.restartedNodes).not.toContain(refused[0]?.node);
  });
});
