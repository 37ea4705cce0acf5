import { removeFinalizer } from '../api/deletion.ts';
import type { ApiServer } from '../api-server.ts';
import type { Condition, EventObject, Pod } from '../objects.ts';
import { type ClusterContext, newMetadata, nowStamp } from './context.ts';
import type { Kubelet } from './kubelet.ts';

/** An event as somebody might write it; what is left out is as the kubelet of the pod's node would write it. */
export interface ForgedEvent {
  readonly namespace: string;
  readonly pod: string;
  readonly reason: string;
  readonly message: string;
  readonly type?: 'Normal' | 'Warning';
  /** Replaces fields of the finished event. */
  readonly overrides?: Partial<EventObject>;
}

/** What other actors do to pods. */
export interface PodActions {
  /** Deletes a pod; `force` without waiting for its kubelet. */
  readonly deletePod: (
    namespace: string,
    name: string,
    options?: { readonly force?: boolean; readonly graceSeconds?: number },
  ) => void;
  /** The kubelet evicts a pod under pressure: it stays, Failed, and its owner makes another. */
  readonly evict: (namespace: string, name: string) => void;
  readonly addFinalizer: (namespace: string, pod: string, finalizer: string) => void;
  readonly removeFinalizer: (namespace: string, pod: string, finalizer: string) => void;
  /** Sets a condition that somebody else than the kubelet writes, such as a readiness gate. */
  readonly setPodCondition: (namespace: string, pod: string, type: string, status: 'True' | 'False') => void;
  /** Takes a scheduling gate off. */
  readonly openGate: (namespace: string, pod: string, gate: string) => void;
  readonly createEvent: (event: ForgedEvent) => void;
}

const PRESSURE = 'The node was low on resource: memory. Threshold quantity: 100Mi, available: 87040Ki. ';

function evicted(pod: Pod, stamp: string): Pod['status'] {
  const ended = { exitCode: 137, reason: 'Error', startedAt: stamp, finishedAt: stamp };
  const conditions = (pod.status.conditions ?? []).map((condition): Condition => {
    if (condition.type !== 'Ready' && condition.type !== 'ContainersReady') return condition;
    const { message: _message, ...rest } = condition;
    return { ...rest, status: 'False', reason: 'PodFailed', lastTransitionTime: stamp };
  });
  return {
    ...pod.status,
    phase: 'Failed',
    reason: 'Evicted',
    message: PRESSURE,
    conditions: [
      {
        type: 'DisruptionTarget',
        observedGeneration: pod.metadata.generation ?? 1,
        status: 'True',
        lastProbeTime: null,
        lastTransitionTime: stamp,
        reason: 'TerminationByKubelet',
        message: PRESSURE,
      },
      ...conditions,
    ],
    containerStatuses: (pod.status.containerStatuses ?? []).map((status) => ({
      ...status,
      state: { terminated: ended },
      ready: false,
      started: false,
    })),
  };
}

export function createPodActions(api: ApiServer, context: ClusterContext, kubelet: Kubelet): PodActions {
  const { database, random } = context;
  const existing = (namespace: string, name: string): Pod => {
    const pod = database.get('pods', namespace, name);
    if (!pod) throw new Error(`the simulated cluster has no pod "${namespace}/${name}"`);
    return pod;
  };

  return {
    deletePod: (namespace, name, { force = false, graceSeconds } = {}) => {
      const grace = force ? 0 : graceSeconds;
      database.delete('pods', existing(namespace, name), grace === undefined ? {} : { gracePeriodSeconds: grace });
    },
    evict: (namespace, name) => {
      const pod = existing(namespace, name);
      const run = kubelet.runs.get(pod.metadata.uid);
      if (run) kubelet.note(run, 'Warning', 'Evicted', PRESSURE);
      if (run) kubelet.end(run);
      database.put('pods', { ...pod, status: evicted(pod, nowStamp(context)) });
    },
    addFinalizer: (namespace, name, finalizer) => {
      const pod = existing(namespace, name);
      database.put('pods', {
        ...pod,
        metadata: { ...pod.metadata, finalizers: [...(pod.metadata.finalizers ?? []), finalizer] },
      });
    },
    removeFinalizer: (namespace, name, finalizer) => {
      removeFinalizer(api.store, api.resource('pods'), existing(namespace, name), finalizer);
    },
    setPodCondition: (namespace, name, type, status) => {
      const pod = existing(namespace, name);
      const others = (pod.status.conditions ?? []).filter((other) => other.type !== type);
      const condition: Condition = { type, status, lastProbeTime: null, lastTransitionTime: nowStamp(context) };
      database.put('pods', { ...pod, status: { ...pod.status, conditions: [...others, condition] } });
      const run = kubelet.runs.get(pod.metadata.uid);
      if (run) kubelet.report(run);
    },
    openGate: (namespace, name, gate) => {
      const pod = existing(namespace, name);
      const { schedulingGates = [], ...spec } = pod.spec;
      const left = schedulingGates.filter((entry) => entry.name !== gate);
      if (left.length > 0) {
        database.put('pods', { ...pod, spec: { ...spec, schedulingGates: left } });
        return;
      }
      const { conditions: _conditions, ...status } = pod.status;
      database.put('pods', { ...pod, spec, status });
    },
    createEvent: (event) => {
      const pod = existing(event.namespace, event.pod);
      const stamp = nowStamp(context);
      const host = pod.spec.nodeName ?? '';
      const { name, namespace = '', uid, resourceVersion } = pod.metadata;
      database.put('events', {
        metadata: newMetadata(context, { name: `${name}.${random.hex(16)}`, namespace }, false),
        involvedObject: { kind: 'Pod', namespace, name, uid, apiVersion: 'v1', resourceVersion },
        reason: event.reason,
        message: event.message,
        source: { component: 'kubelet', host },
        firstTimestamp: stamp,
        lastTimestamp: stamp,
        count: 1,
        type: event.type ?? 'Warning',
        eventTime: null,
        reportingComponent: 'kubelet',
        reportingInstance: host,
        ...event.overrides,
      });
    },
  };
}
