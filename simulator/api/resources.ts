/** A resource that the API server serves. */
export interface Resource {
  /** Empty for the core group. */
  readonly group: string;
  readonly version: string;
  readonly plural: string;
  readonly kind: string;
  readonly namespaced: boolean;
  /** Whether metadata.generation counts changes of the spec. */
  readonly hasGeneration: boolean;
  /**
   * Whether the server keeps what happened lately to watch from. Events it does not
   * (`default_storage_factory_builder.go`, DefaultWatchCacheSizes): they have no bookmarks, and go with etcd's compaction.
   */
  readonly hasWatchCache: boolean;
  /** What a bookmark of this kind carries beside metadata: the zero values that Go prints. */
  readonly bookmark?: Readonly<Record<string, unknown>>;
  /** Annotations that its bookmarks have, too. */
  readonly bookmarkAnnotations?: Readonly<Record<string, string>>;
}

const EMPTY_TEMPLATE = { metadata: {}, spec: { containers: null } };

const EMPTY_NODE_INFO = {
  machineID: '',
  systemUUID: '',
  bootID: '',
  kernelVersion: '',
  osImage: '',
  containerRuntimeVersion: '',
  kubeletVersion: '',
  kubeProxyVersion: '',
  operatingSystem: '',
  architecture: '',
};

function resource(
  group: string,
  plural: string,
  kind: string,
  bookmark: Readonly<Record<string, unknown>>,
  options: Partial<Resource> = {},
): Resource {
  return {
    group,
    version: 'v1',
    plural,
    kind,
    namespaced: true,
    hasGeneration: true,
    hasWatchCache: true,
    bookmark,
    ...options,
  };
}

/** What every simulator serves; more can be registered (`ApiServerOptions.resources`). */
export const BUILT_IN_RESOURCES: readonly Resource[] = [
  resource('', 'pods', 'Pod', { spec: { containers: null }, status: {} }),
  resource(
    '',
    'events',
    'Event',
    {
      involvedObject: {},
      source: {},
      firstTimestamp: null,
      lastTimestamp: null,
      eventTime: null,
      reportingComponent: '',
      reportingInstance: '',
    },
    { hasGeneration: false, hasWatchCache: false },
  ),
  resource(
    '',
    'nodes',
    'Node',
    { spec: {}, status: { daemonEndpoints: { kubeletEndpoint: { Port: 0 } }, nodeInfo: EMPTY_NODE_INFO } },
    { namespaced: false, hasGeneration: false },
  ),
  resource('', 'namespaces', 'Namespace', { spec: {}, status: {} }, { namespaced: false, hasGeneration: false }),
  resource('apps', 'deployments', 'Deployment', {
    spec: { replicas: 0, selector: null, template: EMPTY_TEMPLATE, strategy: {} },
    status: {},
  }),
  resource('apps', 'replicasets', 'ReplicaSet', {
    spec: { replicas: 0, selector: null, template: EMPTY_TEMPLATE },
    status: { replicas: 0 },
  }),
  resource('apps', 'statefulsets', 'StatefulSet', {
    spec: { replicas: 0, selector: null, template: EMPTY_TEMPLATE, serviceName: '', updateStrategy: {} },
    status: { replicas: 0, availableReplicas: 0 },
  }),
  resource(
    'apps',
    'daemonsets',
    'DaemonSet',
    {
      spec: { selector: null, template: EMPTY_TEMPLATE, updateStrategy: {} },
      status: { currentNumberScheduled: 0, numberMisscheduled: 0, desiredNumberScheduled: 0, numberReady: 0 },
    },
    { bookmarkAnnotations: { 'deprecated.daemonset.template.generation': '0' } },
  ),
  resource('batch', 'jobs', 'Job', { spec: { template: EMPTY_TEMPLATE }, status: {} }),
  resource('batch', 'cronjobs', 'CronJob', {
    spec: { schedule: '', jobTemplate: { metadata: {}, spec: { template: EMPTY_TEMPLATE } } },
    status: {},
  }),
];

/** `v1`, or `group/v1`. */
export function apiVersionOf(entry: Resource): string {
  return entry.group === '' ? entry.version : `${entry.group}/${entry.version}`;
}

/** The name in error messages: `pods`, `deployments.apps`. */
export function qualifiedName(entry: Resource): string {
  return entry.group === '' ? entry.plural : `${entry.plural}.${entry.group}`;
}
