import { type KubeObject, keyOf, type Pod } from '../objects.ts';
import { secondsStamp } from '../timestamps.ts';
import type { DeleteOptions } from './delete-options.ts';
import type { Resource } from './resources.ts';
import { type StatusBody, statusErrors } from './status-errors.ts';
import type { Store } from './store.ts';

export type DeleteResult =
  | { readonly outcome: 'deleted' | 'pending'; readonly object: KubeObject }
  | { readonly outcome: 'refused'; readonly status: StatusBody };

/** Keeps an owner until the garbage collector has deleted what it controls. */
export const FOREGROUND = 'foregroundDeletion';

/** How long a pod may take to go (`registry/core/pod/strategy.go: CheckGracefulDelete`). */
function graceOf(pod: Pod, options: DeleteOptions): number {
  const asked = options.gracePeriodSeconds ?? pod.spec.terminationGracePeriodSeconds ?? 30;
  const isBound = (pod.spec.nodeName ?? '') !== '';
  const isDone = pod.status.phase === 'Succeeded' || pod.status.phase === 'Failed';
  if (!isBound || isDone) return 0;
  return asked < 0 ? 1 : asked;
}

/** When a grace that is granted now ends: it runs from the first DELETE on, and 0 ends it at once (`markAsDeleting`). */
function endOf({ metadata }: KubeObject, grace: number, wallMs: number): number {
  if (metadata.deletionTimestamp === undefined) return wallMs + grace * 1000;
  const endsMs = Date.parse(metadata.deletionTimestamp);
  return grace === 0
    ? Math.min(endsMs, wallMs)
    : endsMs - (metadata.deletionGracePeriodSeconds ?? 0) * 1000 + grace * 1000;
}

/**
 * DELETE of one object as the API server does it (`registry/rest/delete.go`, `registry/generic/registry/store.go`): a pod
 * first gets a `deletionTimestamp` and waits for its kubelet; grace 0 marks and removes it at once; a second DELETE may only
 * shorten the grace; finalizers keep the object. Dependents are left to the garbage collector. A dry run answers the same
 * and changes nothing.
 */
export function deleteObject(
  store: Store,
  resource: Resource,
  key: string,
  options: DeleteOptions,
  wallMs: number,
): DeleteResult {
  const object = store.get(resource, key);
  if (!object) {
    return { outcome: 'refused', status: statusErrors.notFound(resource, key.slice(key.indexOf('/') + 1)) };
  }
  const { uid, resourceVersion } = options.preconditions ?? {};
  if (uid !== undefined && uid !== object.metadata.uid) {
    return { outcome: 'refused', status: statusErrors.uidConflict(resource, object, uid) };
  }
  if (resourceVersion !== undefined && resourceVersion !== object.metadata.resourceVersion) {
    return { outcome: 'refused', status: statusErrors.versionConflict(resource, object, resourceVersion) };
  }
  const isDry = (options.dryRun ?? []).length > 0;
  const put = (changed: KubeObject): KubeObject => (isDry ? changed : store.put(resource, changed));
  const remove = (): KubeObject | undefined => (isDry ? object : store.remove(resource, key));
  const graceful = resource.kind === 'Pod';
  const foreground = options.propagationPolicy === 'Foreground' && !graceful;
  const finalizers = [...(object.metadata.finalizers ?? []), ...(foreground ? [FOREGROUND] : [])];
  const hasFinalizers = finalizers.length > 0;
  if (!graceful && !hasFinalizers) {
    return { outcome: 'deleted', object: remove() ?? object };
  }

  const grace = graceful ? graceOf(object as Pod, options) : 0;
  const pending = object.metadata.deletionTimestamp !== undefined;
  if (pending) {
    const left = object.metadata.deletionGracePeriodSeconds ?? 0;
    const isShorter = options.gracePeriodSeconds !== undefined && grace < left;
    const canGo = options.gracePeriodSeconds === 0 && left === 0 && !hasFinalizers;
    if (!isShorter && !canGo) return { outcome: 'pending', object };
  }
  const { generation } = object.metadata;
  const marked = put({
    ...object,
    metadata: {
      ...object.metadata,
      ...(generation === undefined || pending ? {} : { generation: generation + 1 }),
      deletionTimestamp: secondsStamp(endOf(object, grace, wallMs)),
      deletionGracePeriodSeconds: grace,
      ...(hasFinalizers ? { finalizers } : {}),
    },
  });
  if (grace > 0 || hasFinalizers) return { outcome: 'pending', object: marked };
  remove();
  return { outcome: 'deleted', object: marked };
}

/** Takes a finalizer off; an object that only waited for it goes. */
export function removeFinalizer(store: Store, resource: Resource, object: KubeObject, finalizer: string): void {
  const finalizers = (object.metadata.finalizers ?? []).filter((name) => name !== finalizer);
  const { finalizers: _dropped, ...metadata } = object.metadata;
  const stored = store.put(resource, {
    ...object,
    metadata: finalizers.length === 0 ? metadata : { ...metadata, finalizers },
  });
  if (
    finalizers.length === 0 &&
    metadata.deletionTimestamp !== undefined &&
    (metadata.deletionGracePeriodSeconds ?? 0) === 0
  ) {
    store.remove(resource, keyOf(stored));
  }
}
