import type { Condition, ControllerReference, Metadata } from '../../objects/metadata.ts';
import { createPool } from './pool.ts';
import { keyOf, type Raw, record, records, strings, text, timeMs, word } from './raw.ts';

/** One raw object to its slim one; null for what is not wanted. `atMs`: the server's time of reading. Never throws. */
export type Projection<T> = (raw: Raw, atMs: number) => T | null;

const NONE: readonly never[] = Object.freeze([]);

export function projectMetadata(raw: Raw): Metadata {
  const metadata = record(raw.metadata);
  const finalizers = strings(metadata.finalizers);
  return {
    namespace: word(metadata.namespace),
    name: text(metadata.name),
    uid: text(metadata.uid),
    resourceVersion: text(metadata.resourceVersion),
    createdAtMs: timeMs(metadata.creationTimestamp) ?? 0,
    deletionAtMs: timeMs(metadata.deletionTimestamp),
    finalizers: finalizers.length === 0 ? NONE : finalizers,
    controller: projectController(metadata.ownerReferences),
  };
}

const poolController = createPool<ControllerReference>();

function projectController(ownerReferences: unknown): ControllerReference | null {
  const reference = records(ownerReferences).find((candidate) => candidate.controller === true);
  if (reference === undefined) return null;
  const { apiVersion, kind, name, uid } = reference;
  return poolController(keyOf(apiVersion, kind, name, uid), () => ({
    apiVersion: word(apiVersion),
    kind: word(kind),
    name: word(name),
    uid: word(uid),
  }));
}

const poolCondition = createPool<Condition>();

export function projectConditions(conditions: unknown): readonly Condition[] {
  return records(conditions).map((condition) => {
    const { type, status, reason, message, lastTransitionTime, lastUpdateTime } = condition;
    const make = (): Condition => ({
      type: word(type),
      status: word(status),
      reason: word(reason),
      message: text(message),
      lastTransitionAtMs: timeMs(lastTransitionTime),
      lastUpdateAtMs: timeMs(lastUpdateTime),
    });
    // Those that say more are of one object only.
    if (message) return make();
    return poolCondition(keyOf(type, status, reason, lastTransitionTime, lastUpdateTime), make);
  });
}
