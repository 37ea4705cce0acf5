import type { Container, Pod, PodSpec, StringMap, Toleration, Volume, VolumeMount } from '../objects.ts';
import type { PodTemplate } from '../workload-objects.ts';
import { type ClusterContext, newMetadata, nowStamp } from './context.ts';

/** What a pod is made of beside its template. */
export interface PodIdentity {
  readonly name: string;
  readonly generateName?: string;
  readonly namespace: string;
  readonly labels?: StringMap;
  readonly annotations?: StringMap;
  readonly ownerReferences?: Pod['metadata']['ownerReferences'];
}

/** The defaults that the API server fills into a container. */
function defaultedContainer(container: Container): Container {
  const {
    name,
    image,
    command,
    env,
    resources,
    volumeMounts,
    readinessProbe,
    startupProbe,
    restartPolicy,
    imagePullPolicy,
    ...rest
  } = container;
  return {
    name,
    image,
    ...(command === undefined ? {} : { command }),
    ...(env === undefined ? {} : { env }),
    resources: resources ?? {},
    ...(restartPolicy === undefined ? {} : { restartPolicy }),
    ...(volumeMounts === undefined ? {} : { volumeMounts }),
    ...(readinessProbe === undefined ? {} : { readinessProbe }),
    ...(startupProbe === undefined ? {} : { startupProbe }),
    terminationMessagePath: '/dev/termination-log',
    terminationMessagePolicy: 'File',
    imagePullPolicy: imagePullPolicy ?? 'IfNotPresent',
    ...rest,
  };
}

/** The defaults that the API server fills into a template's pod spec. */
export function defaultedSpec(spec: PodSpec): PodSpec {
  const {
    volumes,
    initContainers,
    containers,
    restartPolicy,
    terminationGracePeriodSeconds,
    nodeName,
    hostNetwork,
    tolerations,
    ...rest
  } = spec;
  return {
    ...(volumes === undefined ? {} : { volumes }),
    ...(initContainers === undefined ? {} : { initContainers: initContainers.map(defaultedContainer) }),
    containers: containers.map(defaultedContainer),
    restartPolicy: restartPolicy ?? 'Always',
    terminationGracePeriodSeconds: terminationGracePeriodSeconds ?? 30,
    dnsPolicy: 'ClusterFirst',
    ...(nodeName === undefined ? {} : { nodeName }),
    ...(hostNetwork === undefined ? {} : { hostNetwork }),
    securityContext: {},
    schedulerName: 'default-scheduler',
    ...(tolerations === undefined ? {} : { tolerations }),
    ...rest,
  };
}

const DEFAULT_TOLERATIONS: readonly Toleration[] = ['not-ready', 'unreachable'].map((state) => ({
  key: `node.kubernetes.io/${state}`,
  operator: 'Exists',
  effect: 'NoExecute',
  tolerationSeconds: 300,
}));

/** What the service account admission adds to every pod. */
function accessVolume(name: string): Volume {
  return {
    name,
    projected: {
      sources: [
        { serviceAccountToken: { expirationSeconds: 3607, path: 'token' } },
        { configMap: { name: 'kube-root-ca.crt', items: [{ key: 'ca.crt', path: 'ca.crt' }] } },
        {
          downwardAPI: {
            items: [{ path: 'namespace', fieldRef: { apiVersion: 'v1', fieldPath: 'metadata.namespace' } }],
          },
        },
      ],
      defaultMode: 420,
    },
  };
}

function isTolerated(tolerations: readonly Toleration[], wanted: Toleration): boolean {
  return tolerations.some((toleration) => toleration.key === wanted.key && toleration.effect === wanted.effect);
}

/** The pod that the API server stores when a controller creates one of a template. */
export function podFrom(context: ClusterContext, template: PodTemplate, identity: PodIdentity): Pod {
  const { spec } = template;
  const volume = `kube-api-access-${context.random.suffix()}`;
  const mount: VolumeMount = {
    name: volume,
    readOnly: true,
    mountPath: '/var/run/secrets/kubernetes.io/serviceaccount',
  };
  const mounted = (container: Container): Container => ({
    ...container,
    volumeMounts: [...(container.volumeMounts ?? []), mount],
  });
  const tolerations = spec.tolerations ?? [];
  const { finalizers } = template.metadata;
  const hasRequests = spec.containers.some((container) => Object.keys(container.resources?.requests ?? {}).length > 0);
  const gated = (spec.schedulingGates ?? []).length > 0;
  const { name, generateName, namespace, labels, annotations, ownerReferences } = identity;
  return {
    metadata: newMetadata(context, {
      name,
      ...(generateName === undefined ? {} : { generateName }),
      namespace,
      ...(labels === undefined && template.metadata.labels === undefined
        ? {}
        : { labels: { ...template.metadata.labels, ...labels } }),
      ...(annotations === undefined && template.metadata.annotations === undefined
        ? {}
        : { annotations: { ...template.metadata.annotations, ...annotations } }),
      ...(ownerReferences === undefined ? {} : { ownerReferences }),
      ...(finalizers === undefined ? {} : { finalizers }),
    }),
    spec: {
      ...spec,
      volumes: [...(spec.volumes ?? []), accessVolume(volume)],
      ...(spec.initContainers === undefined ? {} : { initContainers: spec.initContainers.map(mounted) }),
      containers: spec.containers.map(mounted),
      serviceAccountName: spec.serviceAccountName ?? 'default',
      serviceAccount: spec.serviceAccount ?? 'default',
      tolerations: [...tolerations, ...DEFAULT_TOLERATIONS.filter((wanted) => !isTolerated(tolerations, wanted))],
      priority: 0,
      enableServiceLinks: true,
      preemptionPolicy: 'PreemptLowerPriority',
    },
    status: {
      phase: 'Pending',
      ...(gated
        ? {
            conditions: [
              {
                type: 'PodScheduled',
                status: 'False',
                lastProbeTime: null,
                lastTransitionTime: nowStamp(context),
                reason: 'SchedulingGated',
                message: 'Scheduling is blocked due to non-empty scheduling gates',
              },
            ],
          }
        : {}),
      qosClass: hasRequests ? 'Burstable' : 'BestEffort',
    },
  };
}
