import type { ApiServer } from '../api-server.ts';
import { type EventObject, type KubeObject, keyOf, type ObjectReference } from '../objects.ts';
import type { Random } from '../random.ts';
import { microsStamp, secondsStamp } from '../timestamps.ts';
import type { WorldClock } from '../world-clock.ts';

/** What is said about an object. */
export interface EventNote {
  readonly kind: string;
  readonly apiVersion: string;
  readonly about: KubeObject;
  /** `spec.containers{web}`, for what concerns one container. */
  readonly fieldPath?: string;
  readonly type: 'Normal' | 'Warning';
  readonly reason: string;
  readonly message: string;
}

export interface EventSource {
  readonly component: string;
  readonly host?: string;
  /** How far the writer's clock is ahead of the API server's. */
  readonly clockSkewMs?: number;
}

/** Writes events as Kubernetes' two recorders do. */
export interface EventWriter {
  /** The recorder of the kubelet and the controllers (client-go `tools/record`): counts, aggregates and drops. */
  readonly record: (source: EventSource, note: EventNote) => void;
  /** The recorder of the scheduler (client-go `tools/events`): no count, no first and last time, no source. */
  readonly recordScheduler: (action: string, note: EventNote) => void;
  /** Continues from events that are already there, as if the writers had made them. */
  readonly adopt: () => void;
}

/** client-go `events_cache.go`: from the tenth different message of a reason within ten minutes on, one event stands for all. */
const SIMILAR_LIMIT = 10;
const SIMILAR_INTERVAL_MS = 600_000;
const COMBINED_PREFIX = '(combined from similar events): ';
/** The same file: 25 events of a source about an object, then one every five minutes; since 1.32 for each type. */
const SPAM_BURST = 25;
const SPAM_REFILL_MS = 300_000;

/** A recorder remembers 4,096 things (`maxLruCacheEntries`); there is one on each node and in each controller. */
const REMEMBERED = 100_000;

interface Observation {
  count: number;
  readonly firstMs: number;
  readonly key: string;
}

interface Similar {
  messages: Set<string>;
  lastMs: number;
}

interface Bucket {
  tokens: number;
  atMs: number;
}

/** Sets an entry as the newest; the oldest is forgotten when there are too many. */
function remember<T>(cache: Map<string, T>, key: string, value: T): void {
  cache.delete(key);
  cache.set(key, value);
  if (cache.size <= REMEMBERED) return;
  const [oldest] = cache.keys();
  if (oldest !== undefined) cache.delete(oldest);
}

function sourceKey(source: EventSource, note: EventNote): string {
  return [
    source.component,
    source.host ?? '',
    note.kind,
    note.about.metadata.namespace ?? '',
    note.about.metadata.name,
    note.about.metadata.uid,
    note.type,
  ].join('|');
}

function referenceTo(note: EventNote): ObjectReference {
  const { namespace, name, uid, resourceVersion } = note.about.metadata;
  return {
    kind: note.kind,
    ...(namespace === undefined ? {} : { namespace }),
    name,
    uid,
    apiVersion: note.apiVersion,
    resourceVersion,
    ...(note.fieldPath === undefined ? {} : { fieldPath: note.fieldPath }),
  };
}

/** `ttlMs`: how long an event lives after its last write (`--event-ttl`, 1 h by default); 0: none are written. */
export function createEventWriter(api: ApiServer, world: WorldClock, random: Random, ttlMs: number): EventWriter {
  const resource = api.resource('events');
  const { store } = api;
  const observations = new Map<string, Observation>();
  const similar = new Map<string, Similar>();
  const buckets = new Map<string, Bucket>();
  const schedulerSeen = new Map<string, { key: string; count: number }>();
  /** When each event expires, by key. */
  const expiries = new Map<string, number>();
  let cancelSweep: (() => void) | undefined;
  let sweepAtMs = Number.POSITIVE_INFINITY;

  const armSweep = (atMs: number): void => {
    if (atMs >= sweepAtMs) return;
    cancelSweep?.();
    sweepAtMs = atMs;
    cancelSweep = world.after(Math.max(1000, atMs - world.nowMs()), sweep);
  };

  const sweep = (): void => {
    sweepAtMs = Number.POSITIVE_INFINITY;
    for (const [key, atMs] of [...expiries]) {
      if (atMs > world.nowMs()) continue;
      expiries.delete(key);
      store.remove(resource, key);
    }
    if (expiries.size > 0) armSweep([...expiries.values()].reduce((least, atMs) => Math.min(least, atMs)));
  };

  store.subscribe((change) => {
    if (change.resource !== resource) return;
    const key = keyOf(change.object);
    expiries.delete(key);
    if (change.type === 'DELETED') return;
    const event = change.object as EventObject;
    const writtenAt = event.lastTimestamp ?? event.eventTime ?? event.metadata.creationTimestamp;
    // What was loaded was written long ago.
    const ageMs = change.loaded ? Math.max(0, world.wallMs() - Date.parse(writtenAt)) : 0;
    const expiresAtMs = world.nowMs() + Math.max(0, ttlMs - ageMs);
    expiries.set(key, expiresAtMs);
    armSweep(expiresAtMs);
  });

  const isSpam = (key: string): boolean => {
    const nowMs = world.nowMs();
    const bucket = buckets.get(key) ?? { tokens: SPAM_BURST, atMs: nowMs };
    bucket.tokens = Math.min(SPAM_BURST, bucket.tokens + (nowMs - bucket.atMs) / SPAM_REFILL_MS);
    bucket.atMs = nowMs;
    remember(buckets, key, bucket);
    if (bucket.tokens < 1) return true;
    bucket.tokens -= 1;
    return false;
  };

  /** The message that is written, and what it is counted by. */
  const aggregated = (key: string, note: EventNote): { message: string; countedBy: string } => {
    const nowMs = world.nowMs();
    const aggregateKey = `${key}|${note.reason}`;
    const seen = similar.get(aggregateKey);
    const record =
      seen && nowMs - seen.lastMs <= SIMILAR_INTERVAL_MS ? seen : { messages: new Set<string>(), lastMs: nowMs };
    record.messages.add(note.message);
    record.lastMs = nowMs;
    remember(similar, aggregateKey, record);
    if (record.messages.size < SIMILAR_LIMIT) {
      return { message: note.message, countedBy: `${aggregateKey}|${note.fieldPath ?? ''}|${note.message}` };
    }
    // One is forgotten again (PopAny), so that the set stays at the limit.
    for (const message of record.messages) {
      if (message === note.message) continue;
      record.messages.delete(message);
      break;
    }
    return { message: COMBINED_PREFIX + note.message, countedBy: aggregateKey };
  };

  const eventName = (name: string, wallMs: number): string =>
    `${name}.${(BigInt(Math.floor(wallMs)) * 1_000_000n + BigInt(Math.floor(random.next() * 1_000_000))).toString(16)}`;

  const record = (source: EventSource, note: EventNote): void => {
    if (ttlMs === 0) return;
    const spamKey = sourceKey(source, note);
    const { message, countedBy } = aggregated(spamKey, note);
    const skewMs = source.clockSkewMs ?? 0;
    const wallMs = world.wallMs() + skewMs;
    const namespace = note.about.metadata.namespace ?? 'default';
    const observed = observations.get(countedBy) ?? {
      count: 0,
      firstMs: world.nowMs(),
      key: `${namespace}/${eventName(note.about.metadata.name, wallMs)}`,
    };
    observed.count += 1;
    remember(observations, countedBy, observed);
    if (isSpam(spamKey)) return;
    const existing = store.get(resource, observed.key) as EventObject | undefined;
    if (existing) {
      store.put(resource, {
        ...existing,
        message,
        lastTimestamp: secondsStamp(wallMs),
        count: observed.count,
      } as EventObject);
      return;
    }
    const { host } = source;
    const created: EventObject = {
      metadata: {
        name: observed.key.slice(namespace.length + 1),
        namespace,
        uid: random.uuid(),
        resourceVersion: '',
        creationTimestamp: secondsStamp(world.wallMs()),
      },
      involvedObject: referenceTo(note),
      reason: note.reason,
      message,
      source: { component: source.component, ...(host === undefined ? {} : { host }) },
      firstTimestamp: secondsStamp(world.wallMs(observed.firstMs) + skewMs),
      lastTimestamp: secondsStamp(wallMs),
      count: observed.count,
      type: note.type,
      eventTime: null,
      reportingComponent: source.component,
      reportingInstance: host ?? '',
    };
    store.put(resource, created);
  };

  const recordScheduler = (action: string, note: EventNote): void => {
    if (ttlMs === 0) return;
    const wallMs = world.wallMs();
    const reference = referenceTo(note);
    const seenKey = [action, note.type, note.reason, reference.uid, reference.resourceVersion].join('|');
    const seen = schedulerSeen.get(seenKey);
    const existing = seen && (store.get(resource, seen.key) as EventObject | undefined);
    if (seen && existing) {
      seen.count += 1;
      const series = { count: seen.count, lastObservedTime: microsStamp(wallMs) };
      store.put(resource, { ...existing, series } as EventObject);
      return;
    }
    const namespace = note.about.metadata.namespace ?? 'default';
    const created: EventObject = {
      metadata: {
        name: eventName(note.about.metadata.name, wallMs),
        namespace,
        uid: random.uuid(),
        resourceVersion: '',
        creationTimestamp: secondsStamp(wallMs),
      },
      involvedObject: reference,
      reason: note.reason,
      message: note.message,
      source: {},
      firstTimestamp: null,
      lastTimestamp: null,
      type: note.type,
      eventTime: microsStamp(wallMs, Math.floor(random.next() * 1000)),
      action,
      reportingComponent: 'default-scheduler',
      reportingInstance: 'default-scheduler-control-plane',
    };
    store.put(resource, created);
    remember(schedulerSeen, seenKey, { key: keyOf(created), count: 1 });
  };

  const adopt = (): void => {
    for (const object of store.list(resource) as readonly EventObject[]) {
      const { source, involvedObject } = object;
      if (source.component === undefined || object.count === undefined || object.firstTimestamp === null) continue;
      const note: EventNote = {
        kind: involvedObject.kind,
        apiVersion: involvedObject.apiVersion,
        about: {
          metadata: {
            name: involvedObject.name,
            ...(involvedObject.namespace === undefined ? {} : { namespace: involvedObject.namespace }),
            uid: involvedObject.uid,
            resourceVersion: involvedObject.resourceVersion ?? '',
            creationTimestamp: '',
          },
        },
        ...(involvedObject.fieldPath === undefined ? {} : { fieldPath: involvedObject.fieldPath }),
        type: object.type === 'Warning' ? 'Warning' : 'Normal',
        reason: object.reason,
        message: object.message,
      };
      const key = sourceKey(
        { component: source.component, ...(source.host === undefined ? {} : { host: source.host }) },
        note,
      );
      const countedBy = object.message.startsWith(COMBINED_PREFIX)
        ? `${key}|${note.reason}`
        : `${key}|${note.reason}|${note.fieldPath ?? ''}|${note.message}`;
      const firstMs = world.nowMs() - (world.wallMs() - Date.parse(object.firstTimestamp));
      observations.set(countedBy, { count: object.count, firstMs, key: keyOf(object) });
    }
  };

  return { record, recordScheduler, adopt };
}

/** The kind and apiVersion of what the model speaks about. */
export const POD = { kind: 'Pod', apiVersion: 'v1' } as const;
export const NODE = { kind: 'Node', apiVersion: 'v1' } as const;
