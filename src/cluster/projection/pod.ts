import type { Pod } from '../../objects/pod.ts';
import { isRunning, projectContainers } from './container.ts';
import { type Projection, projectConditions, projectMetadata } from './metadata.ts';
import { numberOr, type Raw, record, records, text, timeMs, word, wordOrNull } from './raw.ts';

const NONE: readonly never[] = Object.freeze([]);

/** core/v1 Pod. */
export const projectPod: Projection<Pod> = (raw) => {
  const spec = record(raw.spec);
  const status = record(raw.status);
  const { labels: rawLabels, annotations: rawAnnotations, deletionGracePeriodSeconds } = record(raw.metadata);
  const labels = record(rawLabels);
  const annotations = record(rawAnnotations);
  const graceSeconds = numberOr(deletionGracePeriodSeconds, null);
  const podIp = annotations['cni.projectcalico.org/podIP'];
  return {
    ...projectMetadata(raw),
    revision: wordOrNull(labels['pod-template-hash']) ?? wordOrNull(labels['controller-revision-hash']),
    // The short name is the one that clusters before 1.27 set.
    jobName: wordOrNull(labels['batch.kubernetes.io/job-name']) ?? wordOrNull(labels['job-name']),
    nodeName: wordOrNull(spec.nodeName),
    hostNetwork: spec.hostNetwork === true,
    restartPolicy: word(spec.restartPolicy) || 'Always',
    mirror: annotations['kubernetes.io/config.mirror'] !== undefined,
    deletionGraceMs: graceSeconds === null ? null : graceSeconds * 1_000,
    observed: isObserved(raw),
    calicoPodIp: typeof podIp === 'string' ? text(podIp) : null,
    phase: word(status.phase),
    reason: word(status.reason),
    message: text(status.message),
    conditions: projectConditions(status.conditions),
    startTimeMs: timeMs(status.startTime),
    hasPodIp: text(status.podIP) !== '' || records(status.podIPs).some(({ ip }) => text(ip) !== ''),
    nominatedNodeName: wordOrNull(status.nominatedNodeName),
    readinessGates: readinessGatesOf(spec),
    containers: projectContainers(spec, status),
    isDebugged: records(status.ephemeralContainerStatuses).some(isRunning),
  };
};

function isObserved(raw: Raw): boolean | null {
  const generation = numberOr(record(raw.metadata).generation, null);
  const observed = numberOr(record(raw.status).observedGeneration, null);
  return generation === null || observed === null ? null : observed >= generation;
}

function readinessGatesOf(spec: Raw): readonly string[] {
  const gates = records(spec.readinessGates).map(({ conditionType }) => word(conditionType));
  return gates.length === 0 ? NONE : gates;
}
