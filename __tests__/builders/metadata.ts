import type { Condition, ControllerReference, Metadata } from '../../src/objects/metadata.ts';
import { AGE_MS, ago } from './times.ts';

export function aMetadata(kind: string, overrides: { readonly namespace?: string; readonly name: string }): Metadata {
  const namespace = overrides.namespace ?? 'shop';
  return {
    namespace,
    name: overrides.name,
    uid: `${kind}/${namespace}/${overrides.name}`,
    resourceVersion: '1',
    createdAtMs: ago(AGE_MS),
    deletionAtMs: null,
    finalizers: [],
    controller: null,
  };
}

export function aCondition(type: string, status: string, overrides: Partial<Condition> = {}): Condition {
  return { type, status, reason: '', message: '', lastTransitionAtMs: ago(AGE_MS), lastUpdateAtMs: null, ...overrides };
}

/** An ownerReference with `controller: true`; the uid is that of the builder of that kind. */
export function aController(
  kind: string,
  name: string,
  overrides: Partial<ControllerReference> = {},
): ControllerReference {
  const apiVersion = kind === 'Job' ? 'batch/v1' : 'apps/v1';
  return { apiVersion, kind, name, uid: `${kind}/shop/${name}`, ...overrides };
}
