/** The recordings of a real API server as the gate sees them: six states, and the watch from one of them to the next. */
import { readFileSync } from 'node:fs';
import { resolve } from 'node:path';
import { projectDaemonSet } from '../../src/cluster/projection/daemon-set.ts';
import { projectEvent } from '../../src/cluster/projection/event.ts';
import type { Projection } from '../../src/cluster/projection/metadata.ts';
import { projectNode } from '../../src/cluster/projection/node.ts';
import { projectPod } from '../../src/cluster/projection/pod.ts';
import { type Raw, record, records } from '../../src/cluster/projection/raw.ts';
import type { Event } from '../../src/objects/event.ts';
import type { Pod } from '../../src/objects/pod.ts';
import type { Snapshot } from '../../src/objects/snapshot.ts';
import { aSnapshot } from '../builders.ts';

const FOLDER = resolve(import.meta.dirname, '../recordings');

export interface RecordedState {
  readonly snapshot: Snapshot;
  /** The server's time of the recording. */
  readonly atMs: number;
}

/** `1-healthy`, `2-one-node-unauthorized`, `3-restarted`, `4-cured`, `5-forbidden`, `6-ordinary-failures`. */
export function recordedState(name: string): RecordedState {
  const atMs = Date.parse(readFileSync(resolve(FOLDER, name, 'now'), 'utf8').trim());
  const list = <T>(resource: string, project: Projection<T>): readonly T[] => {
    const items = records(record(JSON.parse(readFileSync(resolve(FOLDER, name, `${resource}.json`), 'utf8'))).items);
    return items.flatMap((item) => project(item, atMs) ?? []);
  };
  const pods = list('pods', projectPod);
  const daemonSets = list('daemonsets', projectDaemonSet);
  const snapshot = aSnapshot({
    pods,
    workloads: daemonSets,
    events: list('events', projectEvent),
    nodes: list('nodes', projectNode),
    calico: { daemonSets, pods: pods.filter(({ namespace }) => namespace === 'calico-system') },
  });
  return { snapshot, atMs };
}

/** One change of the watches. */
export interface RecordedChange {
  readonly type: string;
  readonly pod: Pod | null;
  readonly event: Event | null;
  readonly resourceVersion: number;
  /** The newest time that any object has told so far: when it happened, give or take a second. */
  readonly atMs: number;
}

/** Both watch streams, in the order in which the API server stored the changes. */
export function recordedChanges(fromMs: number): readonly RecordedChange[] {
  const lines = ['pods', 'events'].flatMap((resource) =>
    readFileSync(resolve(FOLDER, `${resource}.watch.jsonl`), 'utf8')
      .split('\n')
      .filter((line) => line !== '')
      .map((line) => ({ resource, ...(JSON.parse(line) as { type: string; object: Raw }) })),
  );
  const versionOf = ({ object }: { object: Raw }): number => Number(record(object.metadata).resourceVersion);
  let atMs = fromMs;
  return lines
    .filter(({ type }) => type !== 'BOOKMARK')
    .sort((one, other) => versionOf(one) - versionOf(other))
    .map(({ resource, type, object }) => {
      const pod = resource === 'pods' ? projectPod(object, atMs) : null;
      atMs = Math.max(atMs, ...(pod === null ? [] : timesOf(pod)), projectEvent(object, 0)?.lastAtMs ?? 0);
      const event = resource === 'events' ? projectEvent(object, atMs) : null;
      return { type, pod, event, resourceVersion: versionOf({ object }), atMs };
    });
}

function timesOf(pod: Pod): readonly number[] {
  return [pod.createdAtMs, ...pod.conditions.map(({ lastTransitionAtMs }) => lastTransitionAtMs ?? 0)];
}

/** The picture after one change. */
export function applyChange(snapshot: Snapshot, { type, pod, event }: RecordedChange): Snapshot {
  const without = <T extends { readonly uid: string }>(items: readonly T[], item: T | null): readonly T[] =>
    item === null ? items : [...items.filter(({ uid }) => uid !== item.uid), ...(type === 'DELETED' ? [] : [item])];
  const pods = without(snapshot.pods, pod);
  return {
    ...snapshot,
    pods,
    events: without(snapshot.events, event),
    calico: { ...snapshot.calico, pods: pods.filter(({ namespace }) => namespace === 'calico-system') },
  };
}
