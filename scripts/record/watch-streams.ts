import { type Clock, sleep } from '../../src/clock.ts';
import type { Api } from '../../src/cluster/api.ts';
import { isApiError } from '../../src/cluster/api-error.ts';
import { isRecord } from '../../src/cluster/body.ts';
import { createLineSplitter } from '../../src/cluster/line-splitter.ts';
import { type Raw, record, text } from '../../src/cluster/projection/raw.ts';
import { formatDuration } from '../../src/duration.ts';
import { type Change, forEach, type Recording } from './recording.ts';
import { pathOf, RECORDED, type Recorded } from './resources.ts';

export interface WatchOptions {
  readonly api: Api;
  readonly clock: Clock;
  /** Ends the watches early; what came until then counts. */
  readonly signal: AbortSignal;
  readonly watchMs: number;
  readonly tell: (sentence: string) => void;
}

/** Of each namespace that was listed (null: all), the version of its list. */
export type Versions = Readonly<Record<Recorded, ReadonlyMap<string | null, string>>>;

/** No object of etcd is larger. */
const LINE_LIMIT_BYTES = 32 * 1024 * 1024;
/** Enough for minutes of a busy cluster; all of it is kept until it is scrubbed. */
const CHANGES_LIMIT = 100_000;
const AGAIN_MS = 1_000;

/** What the watches told until `watchMs` were over, in the order in which it came. */
export async function recordChanges(
  options: WatchOptions,
  versions: Versions,
): Promise<Pick<Recording, 'changes' | 'gaps'>> {
  const changes = forEach((): Change[] => []);
  const gaps: string[] = [];
  if (options.watchMs === 0 || options.signal.aborted) return { changes, gaps };
  options.tell(`watching for ${formatDuration(options.watchMs)}; Ctrl-C ends it early and keeps what came`);
  const end = new AbortController();
  const cancelEnd = options.clock.after(options.watchMs, () => end.abort());
  const signal = AbortSignal.any([options.signal, end.signal]);
  await Promise.all(
    RECORDED.flatMap((resource) =>
      [...versions[resource]].map(async ([namespace, version]) => {
        const path = pathOf(resource, namespace);
        const gap = await follow({ ...options, signal }, path, version, changes[resource]);
        if (gap !== null) gaps.push(`${resource}${namespace === null ? '' : ` in ${namespace}`}: ${gap}`);
      }),
    ),
  );
  cancelEnd();
  options.tell(`${Object.values(changes).flat().length} changes`);
  return { changes, gaps };
}

/** Watches again and again until the signal aborts: null; or what was lost. */
async function follow(options: WatchOptions, path: string, from: string, into: Change[]): Promise<string | null> {
  const { api, clock, signal } = options;
  let version = from;
  while (!signal.aborted) {
    try {
      const query = `watch=1&allowWatchBookmarks=true&resourceVersion=${encodeURIComponent(version)}`;
      const { body } = await api.open(`${path}?${query}`, { signal });
      const linesOf = createLineSplitter(LINE_LIMIT_BYTES);
      for await (const chunk of body) {
        for (const line of linesOf(chunk)) {
          const { type, object } = changeOf(line);
          if (type === 'ERROR') return `the server ended the watch: ${text(object.message)}`;
          if (into.length >= CHANGES_LIMIT) return `more than ${CHANGES_LIMIT} changes`;
          into.push({ atMs: api.now().atMs, type, object });
          version = text(record(object.metadata).resourceVersion) || version;
        }
      }
    } catch (error) {
      // The end of the watch is an error of its body.
      if (signal.aborted) return null;
      const isFinal = isApiError(error) && ['expired', 'forbidden', 'unauthorized', 'not-found'].includes(error.kind);
      if (isFinal) return error.message;
      if (api.failure() !== null) return api.failure()?.message ?? '';
      options.tell(`${path}: ${error instanceof Error ? error.message : String(error)}; watching again`);
    }
    await sleep(clock, AGAIN_MS, signal);
  }
  return null;
}

function changeOf(line: string): { readonly type: string; readonly object: Raw } {
  const change: unknown = JSON.parse(line);
  const { type, object } = record(change);
  if (typeof type !== 'string' || !isRecord(object)) throw new Error('a line of the watch is no event');
  return { type, object };
}
