/**
 * What of each kind is recorded: what the gate reads (`src/cluster/projection`), what the simulator needs to go on from a
 * recording, and what tells a reader when things happened. All else is left out, so that nothing unknown can slip in.
 */
import type { Recorded } from './resources.ts';
import type { Fields, NameKind, Shape } from './shape.ts';

const OWNER: Fields = {
  apiVersion: 'word',
  kind: 'word',
  name: 'name:object',
  uid: 'word',
  controller: 'word',
  blockOwnerDeletion: 'word',
};

/** Without `managedFields`: they name everything that was left out. */
function metadataOf(kind: NameKind, labels: Shape = 'labels'): Fields {
  return {
    name: `name:${kind}`,
    generateName: `name:${kind}`,
    namespace: 'name:namespace',
    uid: 'word',
    resourceVersion: 'word',
    generation: 'word',
    creationTimestamp: 'word',
    deletionTimestamp: 'word',
    deletionGracePeriodSeconds: 'word',
    labels,
    annotations: 'annotations',
    ownerReferences: [OWNER],
    finalizers: ['word'],
  };
}

const CONDITIONS: Shape = [
  {
    type: 'word',
    status: 'word',
    reason: 'word',
    message: 'text',
    observedGeneration: 'word',
    lastProbeTime: 'word',
    lastTransitionTime: 'word',
    lastUpdateTime: 'word',
    lastHeartbeatTime: 'word',
  },
];

const PROBE: Fields = {
  httpGet: { path: 'path', port: 'word', scheme: 'word' },
  tcpSocket: { port: 'word' },
  grpc: { port: 'word' },
  exec: { command: 'blank' },
  initialDelaySeconds: 'word',
  timeoutSeconds: 'word',
  periodSeconds: 'word',
  successThreshold: 'word',
  failureThreshold: 'word',
  terminationGracePeriodSeconds: 'word',
};

const WINDOWS: Fields = { windowsOptions: { hostProcess: 'word' } };

/** Of `env` the references only: what is missing in the cluster is found by them. */
const CONTAINER: Fields = {
  name: 'name:container',
  image: 'image',
  command: 'blank',
  args: 'blank',
  env: [
    {
      name: 'word',
      valueFrom: {
        secretKeyRef: { name: 'name:secret', key: 'word', optional: 'word' },
        configMapKeyRef: { name: 'name:configmap', key: 'word', optional: 'word' },
        fieldRef: { apiVersion: 'word', fieldPath: 'word' },
      },
    },
  ],
  resources: { requests: { '*': 'word' }, limits: { '*': 'word' } },
  volumeMounts: [{ name: 'name:volume', readOnly: 'word', mountPath: 'text' }],
  readinessProbe: PROBE,
  livenessProbe: PROBE,
  startupProbe: PROBE,
  restartPolicy: 'word',
  imagePullPolicy: 'word',
  securityContext: WINDOWS,
};

const REQUIREMENTS: Shape = ['requirement'];

const POD_SPEC: Fields = {
  volumes: [
    {
      name: 'name:volume',
      hostPath: { path: 'text', type: 'word' },
      secret: { secretName: 'name:secret', optional: 'word' },
      configMap: { name: 'name:configmap', optional: 'word' },
      persistentVolumeClaim: { claimName: 'name:claim' },
    },
  ],
  initContainers: [CONTAINER],
  containers: [CONTAINER],
  restartPolicy: 'word',
  terminationGracePeriodSeconds: 'word',
  activeDeadlineSeconds: 'word',
  nodeSelector: 'node-selector',
  serviceAccountName: 'name:account',
  serviceAccount: 'name:account',
  nodeName: 'name:node',
  hostNetwork: 'word',
  affinity: {
    nodeAffinity: {
      requiredDuringSchedulingIgnoredDuringExecution: {
        nodeSelectorTerms: [{ matchExpressions: REQUIREMENTS, matchFields: REQUIREMENTS }],
      },
    },
  },
  schedulerName: 'word',
  tolerations: [{ key: 'word', operator: 'word', value: 'word', effect: 'word', tolerationSeconds: 'word' }],
  readinessGates: [{ conditionType: 'word' }],
  schedulingGates: [{ name: 'word' }],
  securityContext: WINDOWS,
};

const STATE: Fields = {
  waiting: { reason: 'word', message: 'text' },
  running: { startedAt: 'word' },
  terminated: 'ending',
};

/** What is kept of a container's end besides its message, which is the program's own more often than not. */
export const ENDING: Fields = {
  exitCode: 'word',
  signal: 'word',
  reason: 'word',
  startedAt: 'word',
  finishedAt: 'word',
  containerID: 'word',
};

const CONTAINER_STATUSES: Shape = [
  {
    name: 'name:container',
    state: STATE,
    lastState: STATE,
    ready: 'word',
    restartCount: 'word',
    image: 'image',
    imageID: 'image',
    containerID: 'word',
    started: 'word',
  },
];

const SELECTOR: Fields = { matchLabels: 'labels', matchExpressions: REQUIREMENTS };

const POD: Fields = {
  metadata: metadataOf('pod'),
  spec: POD_SPEC,
  status: {
    observedGeneration: 'word',
    phase: 'word',
    conditions: CONDITIONS,
    message: 'text',
    reason: 'word',
    hostIP: 'word',
    hostIPs: [{ ip: 'word' }],
    podIP: 'word',
    podIPs: [{ ip: 'word' }],
    startTime: 'word',
    nominatedNodeName: 'name:node',
    qosClass: 'word',
    initContainerStatuses: CONTAINER_STATUSES,
    containerStatuses: CONTAINER_STATUSES,
  },
};

/** Without `spec.providerID`, `status.images` and the identifiers in `nodeInfo`. */
const NODE: Fields = {
  metadata: metadataOf('node', 'node-labels'),
  spec: {
    unschedulable: 'word',
    taints: [{ key: 'word', value: 'word', effect: 'word', timeAdded: 'word' }],
    podCIDR: 'word',
    podCIDRs: ['word'],
  },
  status: {
    capacity: { '*': 'word' },
    allocatable: { '*': 'word' },
    conditions: CONDITIONS,
    addresses: [{ type: 'word', address: 'address' }],
    nodeInfo: {
      kernelVersion: 'word',
      osImage: 'word',
      containerRuntimeVersion: 'word',
      kubeletVersion: 'word',
      operatingSystem: 'word',
      architecture: 'word',
    },
  },
};

const EVENT: Fields = {
  metadata: metadataOf('object'),
  involvedObject: {
    kind: 'word',
    namespace: 'name:namespace',
    name: 'name:object',
    uid: 'word',
    apiVersion: 'word',
    resourceVersion: 'word',
    fieldPath: 'text',
  },
  reason: 'word',
  message: 'event-message',
  source: { component: 'word', host: 'name:node' },
  firstTimestamp: 'word',
  lastTimestamp: 'word',
  count: 'word',
  type: 'word',
  eventTime: 'word',
  series: { count: 'word', lastObservedTime: 'word' },
  action: 'word',
  reportingComponent: 'word',
  reportingInstance: 'name:node',
};

const DEPLOYMENT: Fields = {
  metadata: metadataOf('deployment'),
  spec: {
    replicas: 'word',
    selector: SELECTOR,
    template: 'template',
    strategy: { type: 'word', rollingUpdate: { maxUnavailable: 'word', maxSurge: 'word' } },
    minReadySeconds: 'word',
    revisionHistoryLimit: 'word',
    progressDeadlineSeconds: 'word',
    paused: 'word',
  },
  status: {
    observedGeneration: 'word',
    replicas: 'word',
    updatedReplicas: 'word',
    readyReplicas: 'word',
    availableReplicas: 'word',
    unavailableReplicas: 'word',
    terminatingReplicas: 'word',
    collisionCount: 'word',
    conditions: CONDITIONS,
  },
};

const REPLICA_SET: Fields = {
  metadata: metadataOf('replicaset'),
  spec: { replicas: 'word', selector: SELECTOR, template: 'template', minReadySeconds: 'word' },
  status: {
    replicas: 'word',
    fullyLabeledReplicas: 'word',
    readyReplicas: 'word',
    availableReplicas: 'word',
    terminatingReplicas: 'word',
    observedGeneration: 'word',
    conditions: CONDITIONS,
  },
};

const STATEFUL_SET: Fields = {
  metadata: metadataOf('statefulset'),
  spec: {
    replicas: 'word',
    selector: SELECTOR,
    template: 'template',
    serviceName: 'name:service',
    podManagementPolicy: 'word',
    updateStrategy: { type: 'word', rollingUpdate: { partition: 'word', maxUnavailable: 'word' } },
    revisionHistoryLimit: 'word',
    minReadySeconds: 'word',
    ordinals: { start: 'word' },
  },
  status: {
    observedGeneration: 'word',
    replicas: 'word',
    readyReplicas: 'word',
    currentReplicas: 'word',
    updatedReplicas: 'word',
    availableReplicas: 'word',
    currentRevision: 'name:statefulset',
    updateRevision: 'name:statefulset',
    collisionCount: 'word',
    conditions: CONDITIONS,
  },
};

const DAEMON_SET: Fields = {
  metadata: metadataOf('daemonset'),
  spec: {
    selector: SELECTOR,
    template: 'template',
    updateStrategy: { type: 'word', rollingUpdate: { maxUnavailable: 'word', maxSurge: 'word' } },
    minReadySeconds: 'word',
    revisionHistoryLimit: 'word',
  },
  status: {
    currentNumberScheduled: 'word',
    numberMisscheduled: 'word',
    desiredNumberScheduled: 'word',
    numberReady: 'word',
    observedGeneration: 'word',
    updatedNumberScheduled: 'word',
    numberAvailable: 'word',
    numberUnavailable: 'word',
    conditions: CONDITIONS,
  },
};

const JOB: Fields = {
  metadata: metadataOf('job'),
  spec: {
    parallelism: 'word',
    completions: 'word',
    backoffLimit: 'word',
    activeDeadlineSeconds: 'word',
    selector: SELECTOR,
    manualSelector: 'word',
    template: 'template',
    completionMode: 'word',
    suspend: 'word',
    ttlSecondsAfterFinished: 'word',
    podReplacementPolicy: 'word',
  },
  status: {
    conditions: CONDITIONS,
    startTime: 'word',
    completionTime: 'word',
    active: 'word',
    succeeded: 'word',
    failed: 'word',
    terminating: 'word',
    ready: 'word',
    uncountedTerminatedPods: { succeeded: ['word'], failed: ['word'] },
  },
};

/** A watch prints kind and version with each object, a list once. */
const TYPE: Fields = { kind: 'word', apiVersion: 'word' };

export const SHAPES: Readonly<Record<Recorded, Fields>> = {
  nodes: { ...TYPE, ...NODE },
  deployments: { ...TYPE, ...DEPLOYMENT },
  replicasets: { ...TYPE, ...REPLICA_SET },
  statefulsets: { ...TYPE, ...STATEFUL_SET },
  daemonsets: { ...TYPE, ...DAEMON_SET },
  jobs: { ...TYPE, ...JOB },
  pods: { ...TYPE, ...POD },
  events: { ...TYPE, ...EVENT },
};

/** A pod template: no pod of its own, so its metadata are labels and annotations. */
export const TEMPLATE: Fields = { metadata: { labels: 'labels', annotations: 'annotations' }, spec: POD_SPEC };
