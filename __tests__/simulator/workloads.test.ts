import { describe, expect, test } from '@jest/globals';
import { condition, isReady, stage } from './looks.ts';

describe('Deployments', () => {
  test('a roll never has more or fewer pods than its bounds allow', async () => {
    const on = stage({ nodes: ['n1', 'n2', 'n3'] });
    on.sim.cluster.deploy({ namespace: 'shop', name: 'web', replicas: 8, maxSurge: 2, maxUnavailable: 1 });
    on.sim.warmUp(30_000);
    on.sim.cluster.deploy({ namespace: 'shop', name: 'web', behaviour: { kind: 'slow', readyAfterMs: 4000 } });
    let most = 0;
    let least = 8;
    on.sim.api.store.subscribe(() => {
      const planned = on.sim.cluster.list('replicasets', 'shop').reduce((sum, set) => sum + set.spec.replicas, 0);
      most = Math.max(most, planned);
      least = Math.min(least, on.pods('web').filter((pod) => !pod.metadata.deletionTimestamp && isReady(pod)).length);
    });
    await on.pass(120_000);
    expect([most, least]).toEqual([10, 7]);
    expect(on.sim.cluster.get('deployments', 'shop', 'web')?.status).toMatchObject({
      observedGeneration: 2,
      replicas: 8,
      updatedReplicas: 8,
      readyReplicas: 8,
      availableReplicas: 8,
    });
    expect(
      on.sim.cluster
        .list('replicasets', 'shop')
        .map((set) => [set.spec.replicas, set.metadata.annotations?.['deployment.kubernetes.io/revision']])
        .sort(),
    ).toEqual([
      [0, '1'],
      [8, '2'],
    ]);
  });

  test('a roll that does not get on exceeds its deadline, and says so once', () => {
    const on = stage();
    on.sim.cluster.deploy({ namespace: 'shop', name: 'web', replicas: 2, progressDeadlineSeconds: 60 });
    on.sim.warmUp(30_000);
    on.sim.cluster.deploy({ namespace: 'shop', name: 'web', behaviour: { kind: 'imageMissing' } });
    on.sim.warmUp(50_000);
    const progressing = () =>
      on.sim.cluster
        .get('deployments', 'shop', 'web')
        ?.status.conditions?.find((entry) => entry.type === 'Progressing');
    expect(progressing()).toMatchObject({ status: 'True', reason: 'ReplicaSetUpdated' });
    on.sim.warmUp(30_000);
    expect(progressing()).toMatchObject({
      status: 'False',
      reason: 'ProgressDeadlineExceeded',
      message: expect.stringMatching(/^ReplicaSet "web-\w+" has timed out progressing\.$/),
    });
  });

  test('paused, it observes its generation and rolls nothing out', () => {
    const on = stage();
    on.sim.cluster.deploy({ namespace: 'shop', name: 'web', replicas: 2 });
    on.sim.warmUp(30_000);
    on.sim.cluster.pause('shop', 'web');
    on.sim.cluster.deploy({ namespace: 'shop', name: 'web' });
    on.sim.warmUp(30_000);
    const deployment = on.sim.cluster.get('deployments', 'shop', 'web');
    expect([
      deployment?.metadata.generation,
      deployment?.status.observedGeneration,
      deployment?.status.updatedReplicas,
    ]).toEqual([3, 3, undefined]);
    expect(on.sim.cluster.list('replicasets', 'shop')).toHaveLength(1);
    on.sim.cluster.resume('shop', 'web');
    on.sim.warmUp(30_000);
    expect(on.sim.cluster.get('deployments', 'shop', 'web')?.status).toMatchObject({
      observedGeneration: 4,
      updatedReplicas: 2,
      availableReplicas: 2,
    });
  });

  test('a controller that hangs leaves observedGeneration behind', async () => {
    const on = stage();
    on.sim.cluster.deploy({ namespace: 'shop', name: 'web' });
    on.sim.warmUp(30_000);
    on.sim.cluster.pauseController('deployment');
    on.sim.cluster.deploy({ namespace: 'shop', name: 'web' });
    await on.pass(60_000);
    const deployment = () => on.sim.cluster.get('deployments', 'shop', 'web');
    expect([deployment()?.metadata.generation, deployment()?.status.observedGeneration]).toEqual([2, 1]);
    on.sim.cluster.resumeController('deployment');
    await on.pass(30_000);
    expect(deployment()?.status).toMatchObject({ observedGeneration: 2, updatedReplicas: 1 });
  });

  test('a quota shows on Deployment and ReplicaSet, and on no pod', () => {
    const on = stage();
    on.sim.cluster.setQuota('quota', 1);
    on.sim.cluster.deploy({ namespace: 'quota', name: 'over', replicas: 3 });
    on.sim.warmUp(60_000);
    const failure = {
      type: 'ReplicaFailure',
      status: 'True',
      reason: 'FailedCreate',
      message: expect.stringMatching(
        /^pods "over-\w+-\w{5}" is forbidden: exceeded quota: q, requested: pods=1, used: pods=1, limited: pods=1$/,
      ),
    };
    expect(on.sim.cluster.list('deployments', 'quota')[0]?.status.conditions).toContainEqual(
      expect.objectContaining(failure),
    );
    expect(on.sim.cluster.list('replicasets', 'quota')[0]?.status.conditions).toContainEqual(
      expect.objectContaining(failure),
    );
    expect(on.sim.cluster.pods('quota')).toHaveLength(1);
    expect(on.sim.cluster.events('quota').filter((event) => event.reason === 'FailedCreate')).toHaveLength(10);
  });

  test('minReadySeconds delays what counts as available', async () => {
    const on = stage();
    on.sim.cluster.deploy({ namespace: 'shop', name: 'web', minReadySeconds: 20 });
    await on.pass(15_000);
    const counts = () => {
      const { readyReplicas, availableReplicas } = on.sim.cluster.list('deployments', 'shop')[0]?.status ?? {};
      return [readyReplicas, availableReplicas];
    };
    expect(counts()).toEqual([1, undefined]);
    await on.pass(15_000);
    expect(counts()).toEqual([1, 1]);
  });

  test('scaled to nothing, its counts are absent', () => {
    const on = stage();
    on.sim.cluster.deploy({ namespace: 'shop', name: 'web', replicas: 2 });
    on.sim.warmUp(30_000);
    on.sim.cluster.scale('shop', 'web', 0);
    on.sim.warmUp(30_000);
    const { conditions: _conditions, ...counts } = on.sim.cluster.list('deployments', 'shop')[0]?.status ?? {};
    expect(counts).toEqual({ observedGeneration: 2 });
  });

  test('newer servers count what terminates', async () => {
    const on = stage({ terminatingReplicas: true });
    on.sim.cluster.deploy({
      namespace: 'shop',
      name: 'web',
      replicas: 2,
      behaviour: { kind: 'slowToStop', stopMs: 20_000 },
      graceSeconds: 30,
    });
    on.sim.warmUp(30_000);
    on.sim.cluster.scale('shop', 'web', 1);
    await on.pass(5_000);
    expect(on.sim.cluster.list('deployments', 'shop')[0]?.status.terminatingReplicas).toBe(1);
    await on.pass(30_000);
    expect(on.sim.cluster.list('deployments', 'shop')[0]?.status.terminatingReplicas).toBeUndefined();
  });
});

describe('StatefulSets', () => {
  test('start in order, and roll from the last ordinal on', async () => {
    const on = stage();
    const order: string[] = [];
    on.sim.api.store.subscribe(({ type, resource, object }) => {
      if (resource.plural === 'pods' && type !== 'MODIFIED') order.push(`${type} ${object.metadata.name}`);
    });
    on.sim.cluster.deployStatefulSet({ namespace: 'shop', name: 'db', replicas: 3 });
    await on.pass(60_000);
    expect(order).toEqual(['ADDED db-0', 'ADDED db-1', 'ADDED db-2']);
    order.length = 0;
    on.sim.cluster.deployStatefulSet({ namespace: 'shop', name: 'db' });
    await on.pass(60_000);
    expect(order).toEqual(['DELETED db-2', 'ADDED db-2', 'DELETED db-1', 'ADDED db-1', 'DELETED db-0', 'ADDED db-0']);
    const set = on.sim.cluster.get('statefulsets', 'shop', 'db');
    expect(set?.status).toMatchObject({
      observedGeneration: 2,
      replicas: 3,
      readyReplicas: 3,
      updatedReplicas: 3,
      availableReplicas: 3,
    });
    expect(set?.status.currentRevision).toBe(set?.status.updateRevision);
  });

  test('with a partition only the ordinals from it on are renewed', () => {
    const on = stage();
    on.sim.cluster.deployStatefulSet({ namespace: 'shop', name: 'db', replicas: 3, partition: 2 });
    on.sim.warmUp(60_000);
    on.sim.cluster.deployStatefulSet({ namespace: 'shop', name: 'db' });
    on.sim.warmUp(60_000);
    const set = on.sim.cluster.get('statefulsets', 'shop', 'db');
    const revisions = on.sim.cluster
      .pods('shop')
      .map((pod) => pod.metadata.labels?.['controller-revision-hash'] === set?.status.updateRevision);
    expect(revisions).toEqual([false, false, true]);
    expect(set?.status).toMatchObject({ updatedReplicas: 1, currentReplicas: 2 });
  });

  test('OnDelete waits for somebody to delete', () => {
    const on = stage();
    on.sim.cluster.deployStatefulSet({ namespace: 'shop', name: 'db', replicas: 2, updateStrategy: 'OnDelete' });
    on.sim.warmUp(60_000);
    on.sim.cluster.deployStatefulSet({ namespace: 'shop', name: 'db' });
    on.sim.warmUp(60_000);
    expect(on.sim.cluster.get('statefulsets', 'shop', 'db')?.status.updatedReplicas).toBeUndefined();
    on.sim.cluster.deletePod('shop', 'db-0');
    on.sim.warmUp(30_000);
    expect(on.sim.cluster.get('statefulsets', 'shop', 'db')?.status).toMatchObject({
      updatedReplicas: 1,
      readyReplicas: 2,
    });
  });

  test('a pod that does not become ready holds back the next', () => {
    const on = stage();
    on.sim.cluster.deployStatefulSet({ namespace: 'shop', name: 'db', replicas: 3, behaviour: { kind: 'neverReady' } });
    on.sim.warmUp(120_000);
    expect(on.sim.cluster.pods('shop').map((pod) => pod.metadata.name)).toEqual(['db-0']);
  });
});

describe('DaemonSets', () => {
  test('have a pod on each node, replace what is deleted, and follow new nodes', async () => {
    const on = stage();
    on.sim.cluster.deployDaemonSet({ namespace: 'shop', name: 'agent' });
    on.sim.warmUp(30_000);
    on.sim.cluster.deletePod('shop', on.pods('agent')[0]?.metadata.name ?? '');
    on.sim.cluster.addNode('n3');
    await on.pass(60_000);
    expect(
      on
        .pods('agent')
        .map((pod) => pod.spec.nodeName)
        .sort(),
    ).toEqual(['n1', 'n2', 'n3']);
    expect(on.sim.cluster.get('daemonsets', 'shop', 'agent')?.status).toMatchObject({
      desiredNumberScheduled: 3,
      numberReady: 3,
      numberMisscheduled: 0,
    });
  });

  test('roll one node after the other', async () => {
    const on = stage({ nodes: ['n1', 'n2', 'n3'] });
    on.sim.cluster.deployDaemonSet({ namespace: 'shop', name: 'agent' });
    on.sim.warmUp(30_000);
    on.sim.cluster.deployDaemonSet({ namespace: 'shop', name: 'agent' });
    let least = 3;
    on.sim.api.store.subscribe(({ resource }) => {
      if (resource.plural === 'pods')
        least = Math.min(
          least,
          on.pods('agent').filter((pod) => isReady(pod) && !pod.metadata.deletionTimestamp).length,
        );
    });
    await on.pass(60_000);
    expect(least).toBe(2);
    expect(on.sim.cluster.get('daemonsets', 'shop', 'agent')?.status).toMatchObject({
      observedGeneration: 2,
      updatedNumberScheduled: 3,
      numberReady: 3,
    });
  });
});

describe('DaemonSets and nodes that they should not be on', () => {
  test('a tainted node keeps its pod, which counts as misscheduled', async () => {
    const on = stage();
    on.sim.cluster.deployDaemonSet({ namespace: 'shop', name: 'agent' });
    on.sim.warmUp(30_000);
    on.sim.cluster.taint('n2', 'example.com/reserved');
    await on.pass(10_000);
    expect(on.sim.cluster.get('daemonsets', 'shop', 'agent')?.status).toMatchObject({
      currentNumberScheduled: 1,
      numberMisscheduled: 1,
      desiredNumberScheduled: 1,
      numberReady: 1,
    });
  });

  test('a DaemonSet that is deleted in the foreground stays until its pods are gone', async () => {
    const on = stage();
    on.sim.cluster.deployDaemonSet({ namespace: 'shop', name: 'agent' });
    on.sim.warmUp(30_000);
    on.sim.cluster.delete('daemonsets', 'shop', 'agent', { propagationPolicy: 'Foreground' });
    expect(on.sim.cluster.get('daemonsets', 'shop', 'agent')?.metadata).toMatchObject({
      deletionTimestamp: expect.any(String),
      finalizers: ['foregroundDeletion'],
    });
    await on.pass(30_000);
    expect([on.sim.cluster.get('daemonsets', 'shop', 'agent'), on.pods('agent').length]).toEqual([undefined, 0]);
  });
});

describe('Jobs', () => {
  test('complete, and go when their time is over', async () => {
    const on = stage();
    on.sim.cluster.runJob({ namespace: 'shop', name: 'migrate', ttlSeconds: 60 });
    await on.pass(20_000);
    expect(on.sim.cluster.get('jobs', 'shop', 'migrate')?.status).toMatchObject({
      succeeded: 1,
      conditions: [{ type: 'SuccessCriteriaMet' }, { type: 'Complete', status: 'True' }],
    });
    expect(on.sim.cluster.pods('shop')[0]?.status.phase).toBe('Succeeded');
    expect(condition(on.sim.cluster.pods('shop')[0], 'Ready')).toMatchObject({
      status: 'False',
      reason: 'PodCompleted',
    });
    await on.pass(60_000);
    expect([on.sim.cluster.list('jobs').length, on.sim.cluster.pods('shop').length]).toEqual([0, 0]);
  });

  test('fail when their attempts are used up', () => {
    const on = stage();
    on.sim.cluster.runJob({ namespace: 'shop', name: 'migrate', behaviour: { kind: 'crash' }, backoffLimit: 1 });
    on.sim.warmUp(60_000);
    expect(on.sim.cluster.get('jobs', 'shop', 'migrate')?.status).toMatchObject({
      failed: 2,
      conditions: [
        { type: 'FailureTarget', status: 'True', reason: 'BackoffLimitExceeded' },
        { type: 'Failed', status: 'True', reason: 'BackoffLimitExceeded' },
      ],
    });
    expect(on.sim.cluster.pods('shop').map((pod) => pod.status.phase)).toEqual(['Failed', 'Failed']);
  });

  test('of a CronJob are owned by it', () => {
    const on = stage();
    on.sim.cluster.runJob({ namespace: 'shop', name: 'report-1', cronJob: 'report' });
    on.sim.warmUp(20_000);
    const cronJob = on.sim.cluster.get('cronjobs', 'shop', 'report');
    expect(on.sim.cluster.get('jobs', 'shop', 'report-1')?.metadata.ownerReferences).toMatchObject([
      { kind: 'CronJob', name: 'report', uid: cronJob?.metadata.uid },
    ]);
  });
});

describe('nodes', () => {
  test('a lost node is Unknown after 50 s: its pods lose Ready alone, without a reason', async () => {
    const on = stage();
    on.sim.cluster.deploy({ namespace: 'shop', name: 'web', replicas: 2 });
    on.sim.warmUp(60_000);
    on.sim.cluster.loseNode('n2');
    await on.pass(45_000);
    expect(on.pods('web').every(isReady)).toBe(true);
    await on.pass(10_000);
    const node = on.sim.cluster.get('nodes', undefined, 'n2');
    expect(node?.status.conditions.find((entry) => entry.type === 'Ready')).toMatchObject({
      status: 'Unknown',
      reason: 'NodeStatusUnknown',
      message: 'Kubelet stopped posting node status.',
    });
    const [pod] = on.pods('web').filter((entry) => entry.spec.nodeName === 'n2');
    const ready = condition(pod, 'Ready');
    expect([ready?.status, ready?.reason, ready?.message]).toEqual(['False', undefined, undefined]);
    expect(condition(pod, 'ContainersReady')?.status).toBe('True');
    expect(pod?.status.phase).toBe('Running');
    expect(pod?.status.containerStatuses?.[0]?.ready).toBe(true);
  });

  test('after five minutes its pods are evicted, and stay Terminating until it returns or somebody forces them', async () => {
    const on = stage();
    on.sim.cluster.deploy({ namespace: 'shop', name: 'web', replicas: 2 });
    on.sim.warmUp(60_000);
    on.sim.cluster.loseNode('n2');
    await on.pass(400_000);
    const lost = on.pods('web').filter((pod) => pod.metadata.deletionTimestamp !== undefined);
    expect(lost.map((pod) => [pod.spec.nodeName, pod.status.phase])).toEqual([['n2', 'Running']]);
    expect(
      on
        .pods('web')
        .filter(isReady)
        .map((pod) => pod.spec.nodeName),
    ).toEqual(['n1', 'n1']);
    expect(on.sim.cluster.onNode('n2').calicoNode?.metadata.deletionTimestamp).toBeUndefined();
    on.sim.cluster.returnNode('n2');
    await on.pass(30_000);
    expect(on.sim.cluster.pods('shop').filter((pod) => pod.metadata.deletionTimestamp !== undefined)).toEqual([]);
    expect(isReady(on.sim.cluster.onNode('n2').calicoNode)).toBe(true);
  });

  test('one that is removed while it returns, or lost again, does not come back', async () => {
    const on = stage();
    on.sim.cluster.loseNode('n2');
    await on.pass(60_000);
    on.sim.cluster.returnNode('n2');
    on.sim.cluster.loseNode('n2');
    await on.pass(5_000);
    const ready = on.sim.cluster.get('nodes', undefined, 'n2')?.status.conditions.find(({ type }) => type === 'Ready');
    expect(ready?.status).toBe('Unknown');
    on.sim.cluster.returnNode('n2');
    on.sim.cluster.removeNode('n2');
    await on.pass(5_000);
    expect(on.sim.cluster.get('nodes', undefined, 'n2')).toBeUndefined();
  });

  test('a force delete takes a pod from Running to gone', async () => {
    const on = stage();
    on.sim.cluster.createPod({ namespace: 'shop', name: 'one', nodeName: 'n2' });
    on.sim.warmUp(30_000);
    on.sim.cluster.loseNode('n2');
    on.sim.cluster.deletePod('shop', 'one');
    await on.pass(60_000);
    const phases: string[] = [];
    on.sim.api.store.subscribe(({ type, object }) => {
      if (object.metadata.name === 'one')
        phases.push(`${type} ${(object as { status?: { phase?: string } }).status?.phase}`);
    });
    on.sim.cluster.deletePod('shop', 'one', { force: true });
    expect(phases).toEqual(['MODIFIED Running', 'DELETED Running']);
  });

  test('a cordoned node takes no new pods', async () => {
    const on = stage();
    on.sim.cluster.cordon('n1');
    on.sim.cluster.deploy({ namespace: 'shop', name: 'web', replicas: 3 });
    await on.pass(20_000);
    expect(new Set(on.pods('web').map((pod) => pod.spec.nodeName))).toEqual(new Set(['n2']));
    on.sim.cluster.uncordon('n1');
    on.sim.cluster.scale('shop', 'web', 6);
    await on.pass(20_000);
    expect(on.pods('web').some((pod) => pod.spec.nodeName === 'n1')).toBe(true);
  });

  test('a node’s own clock dates what it writes, not what the API server writes', () => {
    const on = stage({ nodes: [{ name: 'n1', clockSkewMs: 3_600_000 }] });
    on.sim.cluster.createPod({ namespace: 'shop', name: 'one' });
    on.sim.warmUp(30_000);
    const [pod] = on.sim.cluster.pods('shop');
    const [started] = on.events('Started', 'one');
    const ahead = Date.parse(started?.lastTimestamp ?? '') - Date.parse(started?.metadata.creationTimestamp ?? '');
    expect(ahead).toBe(3_600_000);
    expect(
      Date.parse(pod?.status.startTime ?? '') - Date.parse(pod?.metadata.creationTimestamp ?? ''),
    ).toBeGreaterThanOrEqual(3_600_000);
  });
});
