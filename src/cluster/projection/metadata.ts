import type { Condition, ControllerReference, Metadata } from '../../objects/metadata.ts';
import { type Raw, record, records, strings, text, timeMs, word } from './raw.ts';

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

function projectController(ownerReferences: unknown): ControllerReference | null {
  const reference = records(ownerReferences).find((candidate) => candidate.controller === true);
  if (reference === undefined) return null;
  return {
    apiVersion: word(reference.apiVersion),
    kind: word(reference.kind),
    name: word(reference.name),
    uid: word(reference.uid),
  };
}

export function projectConditions(conditions: unknown): readonly Condition[] {
  return records(conditions).map((condition) => ({
    type: word(condition.type),
    status: word(condition.status),
    reason: word(condition.reason),
    message: text(condition.message),
    lastTransitionAtMs: timeMs(condition.lastTransitionTime),
    lastUpdateAtMs: timeMs(condition.lastUpdateTime),
  }));
}
