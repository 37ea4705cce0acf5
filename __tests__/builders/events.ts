import type { SandboxError } from '../../src/calico/case.ts';
import type { Event } from '../../src/objects/event.ts';
import type { Pod } from '../../src/objects/pod.ts';
import { ago, MINUTE } from './times.ts';

/** An Event as the kubelet of `pod`'s node writes it, a minute old. */
export function anEvent(pod: Pod, overrides: Partial<Event> = {}): Event {
  const name = `${pod.name}.${overrides.reason ?? 'Unhealthy'}`;
  const lastAtMs = overrides.lastAtMs ?? ago(MINUTE);
  return {
    namespace: pod.namespace,
    name,
    uid: `Event/${pod.namespace}/${name}`,
    createdAtMs: overrides.firstAtMs ?? lastAtMs ?? ago(MINUTE),
    about: { kind: 'Pod', namespace: pod.namespace, name: pod.name, uid: pod.uid },
    type: 'Warning',
    reason: 'Unhealthy',
    message: 'Readiness probe failed: HTTP probe failed with statuscode: 503',
    component: 'kubelet',
    host: pod.nodeName ?? '',
    reportingComponent: 'kubelet',
    count: 1,
    firstAtMs: lastAtMs,
    lastAtMs,
    eventAtMs: null,
    seriesAtMs: null,
    seenAtMs: lastAtMs ?? ago(MINUTE),
    ...overrides,
  };
}

export const UNAUTHORIZED = 'error getting ClusterInformation: connection is unauthorized: Unauthorized';
const SANDBOX_ID = '0123456789abcdef'.repeat(4);

/** The event of a CNI ADD that fails with `error` (Calico's authorization failure by default), containerd's wording. */
export function aSandboxEvent(pod: Pod, error: string = UNAUTHORIZED, overrides: Partial<Event> = {}): Event {
  const message = `Failed to create pod sandbox: rpc error: code = Unknown desc = failed to setup network for sandbox "${SANDBOX_ID}": plugin type="calico" failed (add): ${error}`;
  return anEvent(pod, { reason: 'FailedCreatePodSandBox', message, ...overrides });
}

/** The event of a CNI DEL that fails with `error`, which the kubelet repeats for a pod that cannot end. */
export function aKillEvent(pod: Pod, error: string = UNAUTHORIZED, overrides: Partial<Event> = {}): Event {
  const message = `error killing pod: failed to "KillPodSandbox" for "${pod.uid}" with KillPodSandboxError: "rpc error: code = Unknown desc = failed to destroy network for sandbox \\"${SANDBOX_ID}\\": plugin type=\\"calico\\" failed (delete): ${error}"`;
  return anEvent(pod, { reason: 'FailedKillPod', message, ...overrides });
}

/** What `readSandboxErrors` makes of a pod that is stuck: Calico's authorization failure, first seen five minutes ago. */
export function aSandboxError(pod: Pod, overrides: Partial<SandboxError> = {}): SandboxError {
  const terminating = pod.deletionAtMs !== null;
  const times = { firstAtMs: ago(5 * MINUTE), lastAtMs: ago(MINUTE) };
  return {
    cause: 'CalicoUnauthorized',
    verb: terminating ? 'delete' : 'add',
    plugin: 'calico',
    text: UNAUTHORIZED,
    event: terminating ? aKillEvent(pod, UNAUTHORIZED, times) : aSandboxEvent(pod, UNAUTHORIZED, times),
    ...times,
    storedAtMs: overrides.firstAtMs ?? times.firstAtMs,
    ...overrides,
  };
}
