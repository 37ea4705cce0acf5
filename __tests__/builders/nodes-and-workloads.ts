import type { Node } from '../../src/objects/node.ts';
import type { DaemonSet, Deployment, Job, StatefulSet } from '../../src/objects/workload.ts';
import { aCondition, aMetadata } from './metadata.ts';
import { AGE_MS, ago, HOUR, MINUTE } from './times.ts';

/** A Ready node, an hour old. */
export function aNode(overrides: Partial<Node> = {}): Node {
  const name = overrides.name ?? 'n1';
  return {
    name,
    uid: `Node/${name}`,
    createdAtMs: ago(HOUR),
    deletionAtMs: null,
    unschedulable: false,
    conditions: [aCondition('Ready', 'True', { reason: 'KubeletReady', lastTransitionAtMs: ago(HOUR) })],
    ...overrides,
  };
}

/** A node whose kubelet has stopped reporting. */
export function aLostNode(overrides: Partial<Node> = {}): Node {
  const why = {
    reason: 'NodeStatusUnknown',
    message: 'Kubelet stopped posting node status.',
    lastTransitionAtMs: ago(AGE_MS),
  };
  return aNode({ conditions: [aCondition('Ready', 'Unknown', why)], ...overrides });
}

/** A Deployment of two replicas, rolled out. */
export function aDeployment(overrides: Partial<Deployment> = {}): Deployment {
  const replicas = overrides.desired ?? 2;
  return {
    kind: 'Deployment',
    ...aMetadata('Deployment', { name: 'web', ...overrides }),
    generation: 1,
    observedGeneration: 1,
    templateLabels: { app: 'web' },
    conditions: [
      aCondition('Available', 'True', { reason: 'MinimumReplicasAvailable' }),
      aCondition('Progressing', 'True', { reason: 'NewReplicaSetAvailable', lastUpdateAtMs: ago(AGE_MS) }),
    ],
    desired: replicas,
    strategy: 'RollingUpdate',
    paused: false,
    progressDeadlineMs: 10 * MINUTE,
    revision: '1',
    replicas,
    updated: replicas,
    ready: replicas,
    available: replicas,
    ...overrides,
  };
}

/** A StatefulSet of two replicas, rolled out. */
export function aStatefulSet(overrides: Partial<StatefulSet> = {}): StatefulSet {
  const replicas = overrides.desired ?? 2;
  return {
    kind: 'StatefulSet',
    ...aMetadata('StatefulSet', { name: 'db', ...overrides }),
    generation: 1,
    observedGeneration: 1,
    templateLabels: { app: 'db' },
    conditions: [],
    desired: replicas,
    strategy: 'RollingUpdate',
    partition: 0,
    ordinalsStart: 0,
    currentRevision: 'db-1',
    updateRevision: 'db-1',
    replicas,
    updated: replicas,
    ready: replicas,
    available: replicas,
    ...overrides,
  };
}

/** A DaemonSet on two nodes, rolled out. */
export function aDaemonSet(overrides: Partial<DaemonSet> = {}): DaemonSet {
  const pods = overrides.desired ?? 2;
  return {
    kind: 'DaemonSet',
    ...aMetadata('DaemonSet', { name: 'agent', ...overrides }),
    generation: 1,
    observedGeneration: 1,
    templateLabels: { app: 'agent' },
    conditions: [],
    strategy: 'RollingUpdate',
    desired: pods,
    current: pods,
    misscheduled: 0,
    updated: pods,
    ready: pods,
    available: pods,
    templateGeneration: '1',
    template: { containers: ['agent'], initContainers: [], hostNetwork: false, hostProcess: false, hostPaths: [] },
    ...overrides,
  };
}

/** A Job of one completion that has completed. */
export function aJob(overrides: Partial<Job> = {}): Job {
  return {
    kind: 'Job',
    ...aMetadata('Job', { name: 'migrate', ...overrides }),
    generation: 1,
    observedGeneration: null,
    templateLabels: { 'job-name': overrides.name ?? 'migrate' },
    conditions: [aCondition('Complete', 'True')],
    completions: 1,
    parallelism: 1,
    suspended: false,
    active: 0,
    succeeded: 1,
    failed: 0,
    startedAtMs: ago(AGE_MS),
    completedAtMs: ago(AGE_MS - MINUTE),
    ...overrides,
  };
}
