import type { DaemonSet, DaemonSetTemplate } from '../../objects/workload.ts';
import type { Projection } from './metadata.ts';
import { numberOr, type Raw, record, records, word } from './raw.ts';
import { annotationOf, projectWorkloadBase, strategyOf } from './workload.ts';

/** apps/v1 DaemonSet. */
export const projectDaemonSet: Projection<DaemonSet> = (raw) => {
  const spec = record(raw.spec);
  const status = record(raw.status);
  return {
    kind: 'DaemonSet',
    ...projectWorkloadBase(raw),
    strategy: strategyOf(spec.updateStrategy),
    desired: numberOr(status.desiredNumberScheduled, null),
    current: numberOr(status.currentNumberScheduled, 0),
    misscheduled: numberOr(status.numberMisscheduled, 0),
    updated: numberOr(status.updatedNumberScheduled, 0),
    ready: numberOr(status.numberReady, 0),
    available: numberOr(status.numberAvailable, 0),
    templateGeneration: annotationOf(raw, 'deprecated.daemonset.template.generation'),
    template: projectTemplate(record(record(spec.template).spec)),
  };
};

function projectTemplate(podSpec: Raw): DaemonSetTemplate {
  const containers = records(podSpec.containers);
  const initContainers = records(podSpec.initContainers);
  const all = [...initContainers, ...containers];
  return {
    containers: containers.map(({ name }) => word(name)),
    initContainers: initContainers.map(({ name }) => word(name)),
    hostNetwork: podSpec.hostNetwork === true,
    hostProcess: isHostProcess(podSpec) || (all.length > 0 && all.every(isHostProcess)),
    hostPaths: hostPathsOf(records(podSpec.volumes), all),
  };
}

function isHostProcess(holder: Raw): boolean {
  return record(record(holder.securityContext).windowsOptions).hostProcess === true;
}

/** Only what is mounted: a volume that no container uses does nothing. */
function hostPathsOf(volumes: readonly Raw[], containers: readonly Raw[]): readonly string[] {
  const mounted = new Set(containers.flatMap(({ volumeMounts }) => records(volumeMounts).map(({ name }) => name)));
  return volumes
    .filter(({ name, hostPath }) => mounted.has(name) && word(record(hostPath).path) !== '')
    .map(({ hostPath }) => word(record(hostPath).path));
}
