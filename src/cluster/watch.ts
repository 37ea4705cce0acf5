import type { Clock } from '../clock.ts';
import type { Api } from './api.ts';
import { type ApiError, isApiError } from './api-error.ts';
import { GarbledBody } from './body.ts';
import type { Decoder, Recall, WatchEvent } from './decoder.ts';
import { guardSilence } from './silence.ts';

/**
 * kube-apiserver sends a bookmark about once a minute; a watch that is silent for longer is half-open. Watches of events
 * have none (default_storage_factory_builder.go: no watch cache for events) unless etcd was told to notify of progress,
 * as kubeadm does: there silence may also mean that nothing happened, and opening a new watch is how to find out.
 */
export const WATCH_SILENCE_LIMIT_MS = 90_000;
/** client-go's `timeoutSeconds`: at random between 5 and 10 min, so that watches do not all end at once. */
const LEAST_WATCH_SECONDS = 300;

export interface WatchOptions<T> {
  readonly api: Api;
  readonly clock: Clock;
  /** With its query, if any: selectors only. */
  readonly path: string;
  readonly decoder: Decoder<T>;
  readonly recall: Recall<T>;
  readonly signal: AbortSignal;
  readonly random: () => number;
  /** The server accepted the watch. */
  readonly onOpen: () => void;
  /** Something came: the events that are complete with it, in order. */
  readonly onEvents: (events: readonly WatchEvent<T>[]) => void;
}

/** How a watch ended. `version`: from where it can be resumed; `eventCount`: changes of objects, not bookmarks. */
export type WatchEnd =
  /** It never began. */
  | { readonly why: 'refused'; readonly error: ApiError }
  /** The server or the network closed it, or the caller's signal did. */
  | WatchStop<'closed'>
  /** Nothing came for `WATCH_SILENCE_LIMIT_MS`. */
  | WatchStop<'silent'>
  /** Something came that is no event: what was lost is not known. */
  | WatchStop<'garbled'>
  /** The server said why, in an ERROR event. */
  | (WatchStop<'error'> & { readonly code: number; readonly message: string; readonly retryAfterMs: number | null });

interface WatchStop<Why> {
  readonly why: Why;
  readonly version: string;
  readonly eventCount: number;
  readonly openForMs: number;
}

/** One watch from `version` to its end. Never rejects. */
export async function watchOnce<T>(options: WatchOptions<T>, version: string): Promise<WatchEnd> {
  const { api, clock, decoder } = options;
  const cut = new AbortController();
  const openedMs = clock.monotonicMs();
  let last = version;
  let eventCount = 0;
  const stop = <Why>(why: Why): WatchStop<Why> => ({
    why,
    version: last,
    eventCount,
    openForMs: clock.monotonicMs() - openedMs,
  });

  let response: Awaited<ReturnType<Api['open']>>;
  try {
    const signal = AbortSignal.any([options.signal, cut.signal]);
    response = await api.open(watchPath(options.path, version, options.random), { signal, accept: decoder.accept });
  } catch (error) {
    if (isApiError(error)) return { why: 'refused', error };
    throw error;
  }
  options.onOpen();
  const readChunk = decoder.readWatch(options.recall);
  const silence = guardSilence(clock, WATCH_SILENCE_LIMIT_MS, () => cut.abort());
  try {
    for await (const chunk of response.body) {
      silence.touch();
      const events = readChunk(chunk);
      const errorAt = events.findIndex(({ type }) => type === 'error');
      const good = errorAt === -1 ? events : events.slice(0, errorAt);
      eventCount += good.filter(({ type }) => type !== 'bookmark').length;
      last = versionAfter(good) ?? last;
      options.onEvents(good);
      const error = events[errorAt];
      if (error?.type !== 'error') continue;
      const { code, message, retryAfterSeconds } = error.status;
      const retryAfterMs = retryAfterSeconds === null ? null : retryAfterSeconds * 1_000;
      return { ...stop('error' as const), code, message, retryAfterMs };
    }
    return stop('closed');
  } catch (error) {
    if (silence.tripped()) return stop('silent');
    return error instanceof GarbledBody ? stop('garbled') : stop('closed');
  } finally {
    silence.stop();
    cut.abort();
  }
}

function watchPath(path: string, version: string, random: () => number): string {
  const seconds = LEAST_WATCH_SECONDS + Math.floor(random() * LEAST_WATCH_SECONDS);
  const query = `watch=1&allowWatchBookmarks=true&timeoutSeconds=${seconds}&resourceVersion=${encodeURIComponent(version)}`;
  return `${path}${path.includes('?') ? '&' : '?'}${query}`;
}

function versionAfter(events: readonly WatchEvent<unknown>[]): string | null {
  for (let index = events.length - 1; index >= 0; index -= 1) {
    const event = events[index];
    if (event === undefined || event.type === 'error') continue;
    const version = event.type === 'put' ? event.entry.version : event.version;
    if (version !== '') return version;
  }
  return null;
}
