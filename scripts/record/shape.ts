import { isRecord } from '../../src/cluster/body.ts';

/**
 * What is kept of a value. A name says how a string is treated (see `Treatment`); numbers, booleans and null stay as they
 * are. A list with one shape keeps lists, an object keeps the fields that it names and nothing else. The field `*` stands
 * for all others of a map, whose keys are then treated as words.
 */
export type Shape = Treatment | readonly [Shape] | Fields;

export interface Fields {
  readonly [field: string]: Shape;
}

export type Treatment =
  /** Chosen from a fixed set, or written by a machine: kept, but for what looks secret or identifies a machine. */
  | 'word'
  /** Words of Kubernetes, of the runtime or of a plugin: the same, and names in it get their pseudonyms. */
  | 'text'
  /** A name that somebody chose: gets its pseudonym. */
  | `name:${NameKind}`
  /** Reference or id of a container image. */
  | 'image'
  /** Path of a probe: what follows a question mark is left out. */
  | 'path'
  /** What a program wrote or is started with: only that it was there. */
  | 'blank'
  | Special;

/** Values that are treated as a whole. */
export type Special =
  /** Labels, and what selects by them. */
  | 'labels'
  /** An expression of a selector: key, operator, values. */
  | 'requirement'
  /** The labels that a pod wants its node to have. */
  | 'node-selector'
  /** Labels of nodes: those that pods are placed by. */
  | 'node-labels'
  /** Annotations that are read. */
  | 'annotations'
  /** An address of a node: an IP, or a host's name. */
  | 'address'
  /** How a container ended. */
  | 'ending'
  /** The pod template of a workload. */
  | 'template'
  /** The message of an event. */
  | 'event-message';

export type NameKind =
  | 'account'
  | 'claim'
  | 'configmap'
  | 'container'
  | 'daemonset'
  | 'deployment'
  | 'image'
  | 'job'
  | 'label'
  | 'namespace'
  | 'node'
  | 'object'
  | 'pod'
  | 'replicaset'
  | 'secret'
  | 'service'
  | 'statefulset'
  | 'volume';

/** What becomes of one value; undefined: left out. `parent` is the object that it is a field of. */
export type Visit = (treatment: Treatment, value: unknown, parent: Readonly<Record<string, unknown>>) => unknown;

const NO_PARENT: Readonly<Record<string, unknown>> = {};

/** `value` with what `shape` keeps, each part as `visit` made it; undefined for what is not of that shape. */
export function keepShape(shape: Shape, value: unknown, visit: Visit, parent = NO_PARENT): unknown {
  if (value === null || value === undefined) return value;
  if (typeof shape === 'string') return visit(shape, value, parent);
  if (isList(shape)) {
    if (!Array.isArray(value)) return undefined;
    return value
      .map((entry: unknown) => keepShape(shape[0], entry, visit, parent))
      .filter((entry) => entry !== undefined);
  }
  return isRecord(value) ? keepFields(shape, value, visit) : undefined;
}

function isList(shape: Exclude<Shape, string>): shape is readonly [Shape] {
  return Array.isArray(shape);
}

function keepFields(
  fields: Fields,
  value: Readonly<Record<string, unknown>>,
  visit: Visit,
): Readonly<Record<string, unknown>> {
  const kept: Record<string, unknown> = {};
  for (const [field, entry] of Object.entries(value)) {
    const named = Object.hasOwn(fields, field) ? fields[field] : undefined;
    const shape = named ?? fields['*'];
    if (shape === undefined) continue;
    const result = keepShape(shape, entry, visit, value);
    if (result === undefined) continue;
    kept[named === undefined ? String(visit('word', field, value)) : field] = result;
  }
  return kept;
}
