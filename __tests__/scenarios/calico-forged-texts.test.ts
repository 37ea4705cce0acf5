import { describe, expect, test } from '@jest/globals';
import type { Runtime } from '../../simulator/cluster/cni.ts';
import { aWorld, type Played, play, type World } from '../harness.ts';
import { outputsIn, UNAUTHORIZED_ADD } from './broken-node.ts';
import { EVERYWHERE, failureEvent, OTHERS, podNamed, TENANT } from './tenant.ts';

const MINUTE = 60_000;
const FAILURE = 'error getting ClusterInformation: connection is unauthorized: Unauthorized';
const PLUGIN = `plugin type="calico" failed (add): ${FAILURE}`;

/** What a tenant would write where its words come back in somebody else's. */
const CHOSEN: readonly string[] = [FAILURE, PLUGIN, `": ${PLUGIN}`, `x" network: ${FAILURE}`, UNAUTHORIZED_ADD];

function aSharedCluster(runtime: Runtime = 'containerd-1.6'): World {
  const world = aWorld({
    nodes: [
      { name: 'n1', runtime },
      { name: 'n2', runtime },
    ],
  });
  for (const nodeName of ['n1', 'n2']) world.sim.cluster.createPod({ namespace: OTHERS, name: nodeName, nodeName });
  world.sim.warmUp(MINUTE);
  return world;
}

function expectNothing(played: Played): void {
  expect(played.deletes).toEqual([]);
  expect(outputsIn(played)).toMatchObject({ 'calico-auth-failure': 'false', 'affected-nodes': '[]' });
}

describe('genuine events of a pod that is stuck, in which a tenant’s text is echoed, restart nothing', () => {
  const ECHOES: Readonly<Record<string, (chosen: string) => string>> = {
    'Calico: an address of cni.projectcalico.org/ipAddrs': (text) => `invalid IP format: ${text}`,
    'Calico: cni.projectcalico.org/ipAddrs that is no JSON': (text) =>
      `failed to parse IPs ${text} for annotation "cni.projectcalico.org/ipAddrs": invalid character 'e' looking for beginning of value`,
    'Calico: cni.projectcalico.org/ipv4pools': (text) => `the given pool (${text}) does not exist, or is not enabled`,
    'Calico: a resource that may not be read': (text) =>
      `connection is unauthorized: ippools.crd.projectcalico.org "${text}" is forbidden: User "calico-cni-plugin" cannot get`,
  };

  test.each(
    Object.keys(ECHOES).flatMap((name) =>
      (['containerd-1.6', 'cri-o', 'multus', 'containerd-2'] as const).map((runtime) => [name, runtime] as const),
    ),
  )('%s, %s', async (name, runtime) => {
    for (const chosen of CHOSEN) {
      const world = aSharedCluster(runtime);
      const { cluster, warmUp } = world.sim;
      cluster.breakToken('n1', { add: ECHOES[name]?.(chosen) ?? '' });
      cluster.createPod({ namespace: TENANT, name: 'pod', nodeName: 'n1' });
      warmUp(2 * MINUTE);
      const played = await play(world, EVERYWHERE);
      expectNothing(played);
      // The text did reach the gate, as the error of this pod.
      expect(played.report.findings[0]?.message).toContain(FAILURE);
    }
  });
});

describe('a whole event of the failure, as the text of another one of the pod’s own kubelet, restarts nothing', () => {
  test.each([
    'Unhealthy',
    'Failed',
    'BackOff',
    'FailedMount',
    'FailedPostStartHook',
    'SandboxChanged',
    'NetworkNotReady',
  ])('%s (what a probe, an image’s name or a hook says is in it)', async (reason) => {
    const world = aSharedCluster();
    const { cluster, warmUp } = world.sim;
    cluster.breakToken('n1', { add: 'invalid IP format: 10.0.0.300' });
    cluster.createPod({ namespace: TENANT, name: 'pod', nodeName: 'n1' });
    warmUp(MINUTE);
    cluster.put('events', { ...failureEvent(world, podNamed(world, TENANT, 'pod')), reason });
    warmUp(MINUTE);
    expectNothing(await play(world, EVERYWHERE));
  });

  test('nor do names, labels, annotations and images that say it, on pods that are well', async () => {
    const world = aSharedCluster();
    const { cluster, warmUp } = world.sim;
    cluster.createPod({ namespace: TENANT, name: 'pod', nodeName: 'n1', behaviour: { kind: 'imageMissing' } });
    warmUp(MINUTE);
    const pod = podNamed(world, TENANT, 'pod');
    cluster.put('pods', {
      ...pod,
      metadata: {
        ...pod.metadata,
        name: 'calico-node-unauthorized',
        uid: 'of-the-named-pod',
        labels: { 'k8s-app': 'calico-node', app: UNAUTHORIZED_ADD },
        annotations: { 'cni.projectcalico.org/ipAddrs': JSON.stringify([FAILURE]), why: UNAUTHORIZED_ADD },
      },
      spec: { ...pod.spec, containers: [{ name: 'calico-node', image: UNAUTHORIZED_ADD }] },
    });
    expectNothing(await play(world, { ...EVERYWHERE, timeout: '90s' }));
  });
});
