import { type Condition, fullName } from '../objects/metadata.ts';
import { hasEnded, isTerminating, type Pod } from '../objects/pod.ts';
import type { Resource } from '../objects/snapshot.ts';
import type { Deployment, Workload } from '../objects/workload.ts';

/** The workload that people know a pod by. */
export interface PodOwner {
  /** `Deployment` rather than its ReplicaSet, `CronJob` rather than its Job. */
  readonly kind: string;
  readonly name: string;
  /** The workload whose own status is judged; null when there is none of it in the picture. */
  readonly workload: Workload | null;
  /** Set when pods of this owner are judged and its roll-out is not: which object it is, for a warning. */
  readonly unjudged: { readonly kind: string; readonly apiVersion: string; readonly object: string } | null;
}

/** Finds the workloads of one picture by what their pods say of them. */
export interface WorkloadFinder {
  readonly byUid: ReadonlyMap<string, Workload>;
  /** By `namespace/name`. */
  readonly deployments: ReadonlyMap<string, Deployment>;
  /** Whether that resource can be read in that namespace: where it cannot, absence proves nothing. */
  readonly readable: (resource: Resource, namespace: string) => boolean;
}

export function findWorkloads(workloads: readonly Workload[], readable: WorkloadFinder['readable']): WorkloadFinder {
  const byUid = new Map<string, Workload>();
  const deployments = new Map<string, Deployment>();
  for (const workload of workloads) {
    byUid.set(workload.uid, workload);
    if (workload.kind === 'Deployment') deployments.set(fullName(workload), workload);
  }
  return { byUid, deployments, readable };
}

/**
 * Who a pod belongs to; null for a bare pod, and for a static pod (its mirror is controlled by its Node).
 *
 * A Deployment is found without asking for ReplicaSets: the controller names each `<deployment>-<pod-template-hash>`
 * (kubernetes/pkg/controller/deployment/sync.go, getNewReplicaSet). A ReplicaSet without such a Deployment is bare, or
 * of a controller that is not judged, such as an Argo Rollout. API groups are compared too: other projects have kinds
 * of the same names (`apps.kruise.io` has a StatefulSet and a DaemonSet).
 */
export function ownerOf(pod: Pod, finder: WorkloadFinder): PodOwner | null {
  const { controller } = pod;
  if (controller === null || controller.kind === 'Node') return null;
  const { kind, name } = controller;

  const resource = judgedResource(controller.apiVersion, kind);
  if (resource === null) return unjudged(pod, controller);
  if (resource === 'deployments') {
    const deployment = deploymentOf(pod, name, finder);
    if (deployment !== null) return judged(deployment);
    if (!finder.readable('deployments', pod.namespace)) return { kind, name, workload: null, unjudged: null };
    return unjudged(pod, controller);
  }
  const workload = finder.byUid.get(controller.uid);
  // Absent although its kind is readable: deleted, and its pods are about to go as well. One of another namespace cannot
  // own it (cross-namespace owners are disallowed by design), whatever the reference says: a stranger's pod must not
  // stand in for one of that workload.
  if (workload === undefined || workload.namespace !== pod.namespace)
    return { kind, name, workload: null, unjudged: null };
  return judged(workload);
}

/** What a workload is called in findings: a Job that a CronJob made goes by the CronJob's name. */
export function knownAs(workload: Workload): { readonly kind: string; readonly name: string } {
  const { controller } = workload;
  if (workload.kind === 'Job' && controller?.kind === 'CronJob')
    return { kind: controller.kind, name: controller.name };
  return { kind: workload.kind, name: workload.name };
}

function judged(workload: Workload): PodOwner {
  return { ...knownAs(workload), workload, unjudged: null };
}

function unjudged(
  pod: Pod,
  controller: { readonly apiVersion: string; readonly kind: string; readonly name: string },
): PodOwner {
  const { apiVersion, kind, name } = controller;
  return { kind, name, workload: null, unjudged: { kind, apiVersion, object: `${pod.namespace}/${name}` } };
}

function judgedResource(apiVersion: string, kind: string): Resource | null {
  const group = apiVersion.split('/')[0];
  if (group === 'apps' && kind === 'ReplicaSet') return 'deployments';
  if (group === 'apps' && kind === 'StatefulSet') return 'statefulsets';
  if (group === 'apps' && kind === 'DaemonSet') return 'daemonsets';
  if (group === 'batch' && kind === 'Job') return 'jobs';
  return null;
}

function deploymentOf(pod: Pod, replicaSet: string, finder: WorkloadFinder): Deployment | null {
  if (pod.revision === null || !replicaSet.endsWith(`-${pod.revision}`)) return null;
  const name = replicaSet.slice(0, -pod.revision.length - 1);
  return finder.deployments.get(`${pod.namespace}/${name}`) ?? null;
}

/** Neither ended nor being deleted: what controllers count as theirs. */
export function isActive(pod: Pod): boolean {
  return !isTerminating(pod) && !hasEnded(pod);
}

export function isTrue(condition: Condition | null): boolean {
  return condition?.status === 'True';
}
