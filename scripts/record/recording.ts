import { projectEvent } from '../../src/cluster/projection/event.ts';
import { type Raw, record, text } from '../../src/cluster/projection/raw.ts';
import { RECORDED, type Recorded } from './resources.ts';
import { createScrubber, type ScrubOptions } from './scrub.ts';

/** One resource as an API server listed it. */
export interface List {
  readonly resourceVersion: string;
  readonly items: readonly Raw[];
}

/** One event of a watch, and the server's time when it came. */
export interface Change {
  readonly atMs: number;
  readonly type: string;
  readonly object: Raw;
}

/** What may not be read; null: in no namespace, or a resource that has none. */
export interface Forbidden {
  readonly resource: Recorded;
  readonly namespace: string | null;
}

/** A cluster as it was seen. */
export interface Recording {
  /** The server's time when the last list had been read. */
  readonly nowMs: number;
  readonly kubernetesVersion: string;
  /** Empty: all. */
  readonly namespaces: readonly string[];
  readonly lists: Readonly<Record<Recorded, List>>;
  readonly changes: Readonly<Record<Recorded, readonly Change[]>>;
  readonly forbidden: readonly Forbidden[];
  /** Sentences: what of the watches was lost. */
  readonly gaps: readonly string[];
}

/** The recording as strangers may see it. */
export function scrubRecording(recording: Recording, options: ScrubOptions): Recording {
  const wanted = onlyWhatCounts(recording);
  const { lists, changes } = wanted;
  const scrubber = createScrubber(
    [
      ...RECORDED.flatMap((resource) => lists[resource].items.map((item) => [resource, item] as const)),
      ...RECORDED.flatMap((resource) => changes[resource].map(({ object }) => [resource, object] as const)),
    ],
    options,
  );
  const scrubbedList = (resource: Recorded): List => ({
    ...lists[resource],
    items: lists[resource].items.map((item) => scrubber.object(resource, item)),
  });
  const scrubbedChanges = (resource: Recorded): readonly Change[] =>
    changes[resource].map((change) => ({ ...change, object: scrubber.object(resource, change.object) }));
  return {
    ...wanted,
    namespaces: wanted.namespaces.map(scrubber.name),
    lists: forEach(scrubbedList),
    changes: forEach(scrubbedChanges),
    forbidden: wanted.forbidden.map(({ resource, namespace }) => ({
      resource,
      namespace: namespace === null ? null : scrubber.name(namespace),
    })),
    gaps: wanted.gaps.map(scrubber.text),
  };
}

/** An object with a field for each resource. */
export function forEach<T>(make: (resource: Recorded) => T): Readonly<Record<Recorded, T>> {
  return Object.fromEntries(RECORDED.map((resource) => [resource, make(resource)])) as Record<Recorded, T>;
}

/** Without events about what is not recorded, unless the gate reads them. */
function onlyWhatCounts(recording: Recording): Recording {
  const { events } = recording.lists;
  return {
    ...recording,
    lists: { ...recording.lists, events: { ...events, items: events.items.filter(counts) } },
    changes: {
      ...recording.changes,
      events: recording.changes.events.filter(({ type, object }) => type === 'BOOKMARK' || counts(object)),
    },
  };
}

const RECORDED_KINDS: ReadonlySet<string> = new Set([
  ...['Pod', 'Node', 'Deployment', 'ReplicaSet', 'StatefulSet', 'DaemonSet', 'Job', 'CronJob'],
]);

function counts(event: Raw): boolean {
  return RECORDED_KINDS.has(text(record(event.involvedObject).kind)) || projectEvent(event, 0) !== null;
}
