import { describe, expect, test } from '@jest/globals';
import { allowAllBut } from '../../simulator/api/access.ts';
import { play, type World } from '../harness.ts';
import {
  aBrokenWorld,
  type BrokenWorld,
  CALICO,
  CURE,
  calicoNodeOn,
  edit,
  forge,
  nodeIn,
  restartedAfterMs,
  setNotReady,
  stampAgo,
  waitingOn,
} from './broken-node.ts';

const THREE_NODES: BrokenWorld = { world: { nodes: ['n1', 'n2', 'n3'] } };

/** The node joined four minutes ago, and its calico-node pod has never been Ready. */
function joinedJustNow(world: World, node: string): void {
  const since = stampAgo(world, 240_000);
  edit(world, 'nodes', undefined, node, (each) => ({
    ...each,
    metadata: { ...each.metadata, creationTimestamp: since },
  }));
  edit(world, 'pods', CALICO, calicoNodeOn(world, node).metadata.name, (pod) => ({
    ...pod,
    metadata: { ...pod.metadata, creationTimestamp: since },
  }));
  setNotReady(world, node, 240_000);
}

describe('does not hold the DELETE back', () => {
  test.each<[string, { readonly world?: BrokenWorld; readonly there: (world: World) => void }]>([
    [
      'a calico-node pod of another node that has been not Ready for more than 5 min',
      {
        world: THREE_NODES,
        there: (world) => setNotReady(world, 'n3', 310_000),
      },
    ],
    [
      'a young calico-node pod on a node that joined less than 5 min ago',
      {
        world: THREE_NODES,
        there: (world) => joinedJustNow(world, 'n3'),
      },
    ],
    [
      'OnDelete without a pending template',
      {
        world: { world: { calico: { namespace: CALICO, updateStrategy: 'OnDelete' } } },
        there: () => undefined,
      },
    ],
    [
      'a volume event of the stuck pods more than 130 s ago',
      {
        world: { isFirst: true },
        there: (world) => {
          for (const pod of waitingOn(world, 'n1')) {
            forge(world, pod, { reason: 'FailedMount', message: 'no such volume' });
          }
          world.sim.warmUp(132_000);
        },
      },
    ],
    [
      'a volume event of another pod',
      {
        there: (world) => {
          for (const pod of waitingOn(world, 'n1').slice(1))
            forge(world, pod, { reason: 'FailedMount', message: 'no such volume' });
        },
      },
    ],
    [
      'a pod that got its network on another node',
      {
        there: ({ sim }) => {
          sim.cluster.createPod({ namespace: 'infra', name: 'witness', nodeName: 'n2' });
          sim.warmUp(20_000);
        },
      },
    ],
    [
      'that nodes may not be read',
      {
        there: ({ sim }) => {
          sim.api.permissions = allowAllBut({ resource: 'nodes' });
        },
      },
    ],
    [
      'that pods outside the scope may not be read',
      {
        there: ({ sim }) => {
          const mayNot = allowAllBut({ resource: 'pods', verb: ['list', 'watch'] });
          sim.api.permissions = (asked) => mayNot(asked) || asked.namespace === 'shop' || asked.namespace === CALICO;
        },
      },
    ],
    [
      'a DaemonSet of the same name in a namespace of a tenant',
      {
        there: (world) => {
          world.sim.cluster.deployDaemonSet({ namespace: 'tenant', name: 'calico-node' });
          world.sim.warmUp(10_000);
        },
      },
    ],
  ])('%s', async (_, { world: options, there }) => {
    const world = aBrokenWorld(options);
    there(world);
    const played = await play(world, CURE);
    expect(restartedAfterMs(played)).toHaveLength(1);
    expect(restartedAfterMs(played)[0]).toBeLessThanOrEqual(4_000);
    expect(nodeIn(played, 'n1')).toMatchObject({ action: 'restarted', outcome: 'cured' });
    expect(played.report.verdict).toBe('healthy');
  });
});

describe('is worth a warning all the same', () => {
  test('a calico-node pod that has been down for too long to be waited for', async () => {
    const world = aBrokenWorld(THREE_NODES);
    setNotReady(world, 'n3', 310_000);
    const { report } = await play(world, CURE);
    expect(report.warnings).toEqual([
      expect.stringMatching(/^calico-system\/calico-node-\w+ on node n3 has not been Ready for more than 5m/),
    ]);
  });

  test('a DaemonSet that bears Calico’s name without its shape', async () => {
    const world = aBrokenWorld();
    world.sim.cluster.deployDaemonSet({ namespace: 'tenant', name: 'calico-node' });
    world.sim.warmUp(10_000);
    const { report, deletes } = await play(world, CURE);
    expect(report.warnings).toEqual([
      expect.stringMatching(/^DaemonSet tenant\/calico-node bears Calico's name but lacks the host's network/),
    ]);
    expect(report.calico.installations).toEqual([{ namespace: CALICO, daemonSet: 'calico-node' }]);
    expect(deletes.join()).not.toContain('tenant');
  });

  test('policy-only Calico beside the one that gives pods their network', async () => {
    const world = aBrokenWorld();
    world.sim.cluster.installCalico({ namespace: 'policy', policyOnly: true });
    world.sim.warmUp(10_000);
    const { report, deletes } = await play(world, CURE);
    expect(report.warnings).toEqual([expect.stringMatching(/^DaemonSet policy\/calico-node is policy-only Calico/)]);
    expect(deletes).toEqual([expect.stringContaining('/namespaces/calico-system/pods/')]);
  });
});
