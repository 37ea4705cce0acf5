import { describe, expect, test } from '@jest/globals';
import type { TokenState } from '../../simulator/cluster/cni.ts';
import type { Pod } from '../../simulator/objects.ts';
import { condition, isReady, type Stage, stage } from './looks.ts';

/** A Deployment that rolled into the failure of n1 a minute and a half ago. */
function broken(options: Parameters<typeof stage>[0] = {}, state: TokenState = 'unauthorized'): Stage {
  const on = stage(options);
  on.sim.cluster.deploy({ namespace: 'shop', name: 'web', replicas: 4 });
  on.sim.cluster.deploy({ namespace: 'shop', name: 'ledger', strategy: 'Recreate', nodeName: 'n1', probe: false });
  on.sim.warmUp(60_000);
  on.sim.cluster.breakToken('n1', state);
  on.sim.cluster.deploy({ namespace: 'shop', name: 'web' });
  on.sim.cluster.deploy({ namespace: 'shop', name: 'ledger' });
  on.sim.warmUp(90_000);
  return on;
}

function restart(on: Stage, node = 'n1'): Pod {
  const pod = on.sim.cluster.onNode(node).calicoNode;
  if (!pod) throw new Error(`no calico-node on ${node}`);
  on.sim.cluster.deletePod(pod.metadata.namespace ?? '', pod.metadata.name);
  return pod;
}

const stuckStarting = (on: Stage): readonly Pod[] =>
  on.pods('web').filter((pod) => pod.status.phase === 'Pending' && pod.metadata.deletionTimestamp === undefined);
const stuckTerminating = (on: Stage): readonly Pod[] =>
  on.sim.cluster.pods('shop').filter((pod) => pod.metadata.deletionTimestamp !== undefined);

describe('while a node’s token is rejected', () => {
  test('new pods there wait without a sandbox, as the recorded ones do', () => {
    const on = broken();
    const pods = stuckStarting(on);
    expect(pods.length).toBeGreaterThan(0);
    for (const pod of pods) {
      expect(pod.spec.nodeName).toBe('n1');
      expect(condition(pod, 'PodReadyToStartContainers')?.status).toBe('False');
      expect(condition(pod, 'Ready')).toMatchObject({
        status: 'False',
        reason: 'ContainersNotReady',
        message: 'containers with unready status: [web]',
      });
      expect(pod.status.podIP).toBeUndefined();
      expect(pod.status.hostIP).toBe('192.168.88.11');
      expect(pod.status.containerStatuses?.[0]).toMatchObject({
        state: { waiting: { reason: 'ContainerCreating' } },
        imageID: '',
        started: false,
      });
      expect(pod.metadata.annotations).toBeUndefined();
    }
  });

  test('the warning comes once, SandboxChanged goes on every 10 to 16 s', () => {
    const on = broken();
    for (const pod of stuckStarting(on)) {
      const [warning, ...more] = on.events('FailedCreatePodSandBox', pod.metadata.name);
      expect(more).toEqual([]);
      expect(warning).toMatchObject({
        count: 1,
        type: 'Warning',
        eventTime: null,
        source: { component: 'kubelet', host: 'n1' },
      });
      expect(warning?.message).toMatch(
        /^Failed to create pod sandbox: rpc error: code = Unknown desc = failed to setup network for sandbox "[0-9a-f]{64}": plugin type="calico" failed \(add\): error getting ClusterInformation: connection is unauthorized: Unauthorized$/,
      );
      const [changed] = on.events('SandboxChanged', pod.metadata.name);
      expect(changed?.type).toBe('Normal');
      expect(changed?.count).toBeGreaterThanOrEqual(5);
      expect(changed?.count).toBeLessThanOrEqual(10);
    }
  });

  test('old pods there stay Terminating, with phase Running and their address, and FailedKillPod counts on', () => {
    const on = broken();
    const pods = stuckTerminating(on);
    expect(pods.length).toBeGreaterThanOrEqual(2);
    for (const pod of pods) {
      expect(pod.status.phase).toBe('Running');
      expect(pod.status.podIP).toBeDefined();
      expect(condition(pod, 'PodReadyToStartContainers')?.status).toBe('False');
      expect(pod.status.containerStatuses?.[0]?.state.terminated).toMatchObject({ exitCode: 0, reason: 'Completed' });
      const [kill, ...more] = on.events('FailedKillPod', pod.metadata.name);
      expect(more).toEqual([]);
      expect(kill?.count).toBeGreaterThanOrEqual(5);
      expect(kill?.message).toContain(
        `failed to "KillPodSandbox" for "${pod.metadata.uid}" with KillPodSandboxError: "rpc error`,
      );
      expect(kill?.message).toContain('plugin type=\\"calico\\" failed (delete): error getting ClusterInformation');
    }
  });

  test('a Recreate Deployment has no new pod, no counts, and still says that it progressed', () => {
    const on = broken();
    const ledger = on.sim.cluster.get('deployments', 'shop', 'ledger');
    expect(on.pods('ledger')).toHaveLength(1);
    expect(ledger?.status.replicas).toBeUndefined();
    expect(ledger?.status.observedGeneration).toBe(ledger?.metadata.generation);
    expect(ledger?.status.conditions?.map(({ type, status, reason }) => [type, status, reason])).toEqual([
      ['Progressing', 'True', 'NewReplicaSetAvailable'],
      ['Available', 'False', 'MinimumReplicasUnavailable'],
    ]);
  });

  test('calico-node there stays Ready, and running pods say nothing', () => {
    const on = stage();
    on.sim.cluster.deploy({ namespace: 'shop', name: 'web', replicas: 4 });
    on.sim.warmUp(60_000);
    on.sim.cluster.breakToken('n1');
    on.sim.warmUp(240_000);
    expect(isReady(on.sim.cluster.onNode('n1').calicoNode)).toBe(true);
    expect(on.pods('web').every(isReady)).toBe(true);
    expect(on.events('FailedCreatePodSandBox')).toEqual([]);
  });

  test('newer containerd warns anew each time with a new sandbox, until one event stands for all', () => {
    const on = broken({ nodes: [{ name: 'n1', runtime: 'containerd-2' }, 'n2'] });
    on.sim.warmUp(120_000);
    const [pod] = stuckStarting(on);
    const warnings = on.events('FailedCreatePodSandBox', pod?.metadata.name);
    expect(warnings.filter((event) => event.count === 1 && !event.message.startsWith('(combined'))).toHaveLength(9);
    const combined = warnings.filter((event) =>
      event.message.startsWith('(combined from similar events): Failed to create pod sandbox: '),
    );
    expect(combined).toHaveLength(1);
    expect(combined[0]?.count).toBeGreaterThan(1);
    expect(on.events('SandboxChanged')).toEqual([]);
  });

  test.each([
    [
      'cri-o',
      /error adding pod shop_web-\S+ to CNI network "k8s-pod-network": plugin type="calico" failed \(add\): error getting/,
    ],
    [
      'multus',
      /plugin type="multus" name="multus-cni-network" failed \(add\): \[shop\/web-\S+:k8s-pod-network\]: error adding container to network "k8s-pod-network": plugin type="calico"/,
    ],
  ] as const)('%s wraps the error in its own words', (runtime, pattern) => {
    const on = broken({ nodes: [{ name: 'n1', runtime }, 'n2'] });
    expect(on.events('FailedCreatePodSandBox')[0]?.message).toMatch(pattern);
  });

  test('after 25 events about a pod its recorder falls silent for minutes', () => {
    const on = broken();
    on.sim.warmUp(600_000);
    const [pod] = stuckStarting(on);
    const [changed] = on.events('SandboxChanged', pod?.metadata.name);
    const silentMs = on.sim.world.wallMs() - Date.parse(changed?.lastTimestamp ?? '');
    expect(changed?.count).toBeGreaterThanOrEqual(24);
    expect(silentMs).toBeLessThanOrEqual(310_000);
    on.sim.warmUp(3_600_000);
    expect(on.events('FailedCreatePodSandBox', pod?.metadata.name)).toEqual([]);
    expect(on.events('SandboxChanged', pod?.metadata.name)).toHaveLength(1);
  });

  test('a token that the API server still has in its cache works a little longer', async () => {
    const on = stage();
    on.sim.cluster.breakToken('n1', 'unauthorized', { cachedMs: 10_000 });
    expect(on.sim.cluster.onNode('n1').token).toBe('valid');
    await on.pass(10_000);
    expect(on.sim.cluster.onNode('n1').token).toBe('unauthorized');
  });
});

describe('a pod that never got a sandbox and is deleted', () => {
  test('waits for its DEL, and ends Failed with a container that nobody knows of', async () => {
    const on = broken();
    const [stuck] = stuckStarting(on);
    on.sim.cluster.deletePod('shop', stuck?.metadata.name ?? '');
    await on.pass(60_000);
    const waiting = on.sim.cluster.get('pods', 'shop', stuck?.metadata.name ?? '');
    expect(waiting?.status.phase).toBe('Pending');
    expect(on.events('FailedKillPod', stuck?.metadata.name)).toHaveLength(1);
    const phases = new Set<string>();
    let last: Pod | undefined;
    on.sim.api.store.subscribe(({ object }) => {
      if (object.metadata.uid !== stuck?.metadata.uid) return;
      last = object as Pod;
      phases.add(last.status.phase);
    });
    restart(on);
    await on.pass(30_000);
    expect([...phases]).toEqual(['Pending', 'Failed']);
    expect(last?.status.containerStatuses?.[0]?.state.terminated).toMatchObject({
      exitCode: 137,
      reason: 'ContainerStatusUnknown',
      startedAt: null,
    });
  });
});

describe('when calico-node is restarted', () => {
  test('every stuck pod heals at its own next retry, and both Deployments roll to their end', async () => {
    const on = broken();
    const old = restart(on);
    await on.pass(200);
    expect(on.sim.cluster.onNode('n1').calicoNode?.metadata.uid).not.toBe(old.metadata.uid);
    await on.pass(40_000);
    expect(on.sim.cluster.onNode('n1').token).toBe('valid');
    expect(on.sim.cluster.pods('shop').every(isReady)).toBe(true);
    for (const name of ['web', 'ledger']) {
      const deployment = on.sim.cluster.get('deployments', 'shop', name);
      expect(deployment?.status.updatedReplicas).toBe(deployment?.spec.replicas);
      expect(deployment?.status.availableReplicas).toBe(deployment?.spec.replicas);
      expect(deployment?.status.unavailableReplicas).toBeUndefined();
    }
  });

  test('Calico marks the pod: its address is emptied, then set; PodReadyToStartContainers follows', async () => {
    const on = broken();
    const [stuck] = stuckStarting(on);
    const marks: (string | undefined)[] = [];
    const sandbox: string[] = [];
    on.sim.api.store.subscribe(({ object }) => {
      if (object.metadata.uid !== stuck?.metadata.uid) return;
      const mark = object.metadata.annotations?.['cni.projectcalico.org/podIP'];
      if (marks.at(-1) !== mark) marks.push(mark);
      const status = condition(object as Pod, 'PodReadyToStartContainers')?.status ?? '';
      if (sandbox.at(-1) !== status) sandbox.push(status);
    });
    restart(on);
    await on.pass(30_000);
    expect(marks).toEqual(['', expect.stringMatching(/^10\.\d+\.\d+\.\d+\/32$/)]);
    expect(sandbox).toEqual(['False', 'True']);
  });

  test('the retry that heals writes SandboxChanged as well', async () => {
    const on = broken();
    const [stuck] = stuckStarting(on);
    const before = on.events('SandboxChanged', stuck?.metadata.name)[0]?.count ?? 0;
    restart(on);
    await on.pass(40_000);
    const after = on.events('SandboxChanged', stuck?.metadata.name)[0]?.count ?? 0;
    expect(after).toBeGreaterThanOrEqual(before + 1);
    expect(after).toBeLessThanOrEqual(before + 2);
  });

  test('a stuck Terminating pod is Succeeded with grace 0 for a moment before it is gone', async () => {
    const on = broken();
    const [stuck] = stuckTerminating(on);
    const seen: string[] = [];
    on.sim.api.store.subscribe(({ type, object }) => {
      if (object.metadata.uid === stuck?.metadata.uid)
        seen.push(`${type} ${(object as Pod).status.phase} ${object.metadata.deletionGracePeriodSeconds}`);
    });
    restart(on);
    await on.pass(30_000);
    expect(seen).toEqual(['MODIFIED Running 2', 'MODIFIED Succeeded 2', 'MODIFIED Succeeded 0', 'DELETED Succeeded 0']);
  });

  test('a restart that cannot cure writes no new 401 for pods that were stuck already', async () => {
    const on = broken({ calico: { restartCures: false } });
    const before = on.events('FailedCreatePodSandBox').length;
    const [stuck] = stuckStarting(on);
    restart(on);
    await on.pass(60_000);
    expect(on.events('FailedCreatePodSandBox')).toHaveLength(before);
    expect(isReady(on.sim.cluster.get('pods', 'shop', stuck?.metadata.name ?? ''))).toBe(false);
  });

  test('install-cni that fails crash-loops, and nothing heals', async () => {
    const on = broken();
    on.sim.cluster.changeCalico({ node: 'n1', installExitCode: 1 });
    restart(on);
    await on.pass(60_000);
    const pod = on.sim.cluster.onNode('n1').calicoNode;
    expect(pod?.status.initContainerStatuses?.[0]?.state.waiting?.reason).toBe('CrashLoopBackOff');
    expect(condition(pod, 'Initialized')?.reason).toBe('ContainersNotInitialized');
    expect(on.sim.cluster.onNode('n1').token).toBe('unauthorized');
  });

  test.each([
    [
      'forbidden',
      'error getting ClusterInformation: connection is unauthorized: clusterinformations.crd.projectcalico.org "default" is forbidden: User "system:serviceaccount:calico-system:calico-cni-plugin" cannot get resource',
    ],
    ['connection-refused', 'dial tcp 192.168.88.1:6443: connect: connection refused'],
    ['x509', 'tls: failed to verify certificate: x509: certificate signed by unknown authority'],
    ['datastore-not-ready', 'Calico is currently not ready to process requests'],
    ['ipam-exhausted', 'Assigned 0 out of 1 requested IPv4 addresses; No IPs available in pools'],
  ] as const)('look-alike %s is not cured by it', async (state, text) => {
    const on = broken({}, state);
    expect(on.events('FailedCreatePodSandBox')[0]?.message).toContain(text);
    restart(on);
    await on.pass(45_000);
    expect(stuckStarting(on).length).toBeGreaterThan(0);
  });

  test('an exhausted pool warns at each attempt and lets pods go', () => {
    const on = broken({}, 'ipam-exhausted');
    const [pod] = stuckStarting(on);
    expect(on.events('FailedCreatePodSandBox', pod?.metadata.name).length).toBeGreaterThan(4);
    expect(on.events('FailedKillPod')).toEqual([]);
    expect(stuckTerminating(on)).toEqual([]);
  });

  test('a rotated key breaks every node, and each heals by its own restart only', async () => {
    const on = stage();
    on.sim.cluster.deploy({ namespace: 'shop', name: 'web', replicas: 4 });
    on.sim.warmUp(60_000);
    on.sim.cluster.recreateServiceAccount();
    on.sim.cluster.deploy({ namespace: 'shop', name: 'web', maxUnavailable: '50%' });
    on.sim.warmUp(60_000);
    restart(on, 'n1');
    await on.pass(60_000);
    expect([on.sim.cluster.onNode('n1').token, on.sim.cluster.onNode('n2').token]).toEqual(['valid', 'unauthorized']);
    restart(on, 'n2');
    await on.pass(60_000);
    expect(on.pods('web').every(isReady)).toBe(true);
  });
});

describe('the shapes of Calico', () => {
  test.each([
    ['operator', {}, 'calico-system', 'calico-node', 'calico-node'],
    ['manifest', { namespace: 'kube-system' }, 'kube-system', 'calico-node', 'calico-node'],
    ['canal', { namespace: 'kube-system', daemonSet: 'canal' }, 'kube-system', 'canal', 'canal'],
  ] as const)('%s', (_name, calico, namespace, name, label) => {
    const on = stage({ calico });
    const set = on.sim.cluster.get('daemonsets', namespace, name);
    const { spec, metadata } = set?.spec.template ?? { spec: { containers: [] }, metadata: {} };
    expect(metadata.labels).toEqual({ 'k8s-app': label });
    expect(spec.containers[0]?.name).toBe('calico-node');
    expect(spec.initContainers?.map((container) => container.name)).toEqual(['install-cni']);
    expect(spec.hostNetwork).toBe(true);
    expect(spec.volumes).toContainEqual({ name: 'cni-net-dir', hostPath: { path: '/etc/cni/net.d', type: '' } });
    expect(set?.status).toMatchObject({ desiredNumberScheduled: 2, numberReady: 2, numberAvailable: 2 });
  });

  test('Windows nodes have a DaemonSet of their own', () => {
    const on = stage({
      nodes: ['n1', { name: 'w1', os: 'windows' }],
      calico: [{}, { daemonSet: 'calico-node-windows' }],
    });
    expect(on.sim.cluster.onNode('w1').pods.map((pod) => pod.metadata.generateName)).toEqual(['calico-node-windows-']);
    expect(on.sim.cluster.onNode('n1').pods.map((pod) => pod.metadata.generateName)).toEqual(['calico-node-']);
  });

  test('an upgrade rolls node after node, or waits for deletions', async () => {
    const rolling = stage();
    const before = rolling.sim.cluster.onNode('n1').calicoNode?.metadata.uid;
    rolling.sim.cluster.upgradeCalico();
    await rolling.pass(30_000);
    expect(rolling.sim.cluster.onNode('n1').calicoNode?.metadata.uid).not.toBe(before);
    expect(rolling.sim.cluster.get('daemonsets', 'calico-system', 'calico-node')?.status).toMatchObject({
      observedGeneration: 2,
      updatedNumberScheduled: 2,
      numberReady: 2,
    });
    const pending = stage({ calico: { updateStrategy: 'OnDelete' } });
    pending.sim.cluster.upgradeCalico();
    await pending.pass(30_000);
    const status = pending.sim.cluster.get('daemonsets', 'calico-system', 'calico-node')?.status;
    expect([status?.observedGeneration, status?.updatedNumberScheduled, status?.numberReady]).toEqual([
      2,
      undefined,
      2,
    ]);
  });

  test('policy-only Calico brings no install-cni', () => {
    const on = stage({ calico: { policyOnly: true } });
    expect(on.sim.cluster.onNode('n1').calicoNode?.spec.initContainers).toBeUndefined();
  });

  test('a joining node becomes ready through calico-node', async () => {
    const on = stage({ nodes: ['n1'] });
    on.sim.cluster.addNode('n2');
    expect(
      on.sim.cluster.get('nodes', undefined, 'n2')?.status.conditions.find((entry) => entry.type === 'Ready')?.status,
    ).toBe('False');
    await on.pass(30_000);
    expect(
      on.sim.cluster.get('nodes', undefined, 'n2')?.status.conditions.find((entry) => entry.type === 'Ready')?.status,
    ).toBe('True');
    on.sim.cluster.createPod({ namespace: 'shop', name: 'one', nodeName: 'n2' });
    await on.pass(30_000);
    expect(isReady(on.sim.cluster.get('pods', 'shop', 'one'))).toBe(true);
  });
});
