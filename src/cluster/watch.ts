import type { Clock } from '../clock.ts';
import type { Api } from './api.ts';
import { isApiError } from './api-error.ts';
import { GarbledBody } from './body.ts';
import type { Decoder, Recall, WatchEvent } from './decoder.ts';
import { isOlder } from './resource-version.ts';
import { guardSilence } from './silence.ts';
import type { WatchEnd, WatchStop } from './watch-end.ts';

/**
 * A watch that is silent for longer is half-open: by then the server would have ended it (`LEAST_WATCH_SECONDS`). Its
 * bookmarks would not tell: kube-apiserver sends one about once a minute, but none while nothing is newer than the watch
 * (`cache_watcher.go`), and of events, which have no watch cache, none at all.
 */
const WATCH_SILENCE_LIMIT_MS = 90_000;
/**
 * `timeoutSeconds`, at random between 50 and 80 s, so that watches do not all end at once. client-go asks for 5 to 10 min
 * and notices a dead connection by HTTP/2 pings; here a watch that ends in time is the sign of life.
 */
const LEAST_WATCH_SECONDS = 50;
const MORE_WATCH_SECONDS = 30;
/** By then the server has ended it, so that whoever still sends is not the server: a proxy that keeps its line alive. */
const WATCH_LIMIT_MS = 100_000;

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

  /** Up to the first that is older than what came before: a server tells changes in their order (KEP-5504). */
  const inOrder = (events: readonly WatchEvent<T>[]): readonly WatchEvent<T>[] => {
    const wrongAt = events.findIndex((event) => {
      if (event.type === 'error') return false;
      const told = event.type === 'put' ? event.entry.version : event.version;
      // Of what was deleted some tell the version that it had.
      if (isOlder(told, last)) return event.type !== 'deleted';
      if (told !== '') last = told;
      return false;
    });
    return wrongAt === -1 ? events : events.slice(0, wrongAt);
  };

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
  let isOverdue = false;
  const cancelLimit = clock.after(WATCH_LIMIT_MS, () => {
    isOverdue = true;
    cut.abort();
  });
  try {
    for await (const chunk of response.body) {
      silence.touch();
      const events = readChunk(chunk);
      const errorAt = events.findIndex(({ type }) => type === 'error');
      const told = errorAt === -1 ? events : events.slice(0, errorAt);
      const good = inOrder(told);
      eventCount += good.filter(({ type }) => type !== 'bookmark').length;
      options.onEvents(good);
      if (good.length < told.length) return stop('disordered');
      const error = events[errorAt];
      if (error?.type !== 'error') continue;
      const { code, message, retryAfterSeconds } = error.status;
      const retryAfterMs = retryAfterSeconds === null ? null : retryAfterSeconds * 1_000;
      return { ...stop('error' as const), code, message, retryAfterMs };
    }
    return stop('closed');
  } catch (error) {
    if (silence.tripped()) return stop('silent');
    if (isOverdue) return stop('overdue');
    return error instanceof GarbledBody ? stop('garbled') : stop('closed');
  } finally {
    silence.stop();
    cancelLimit();
    cut.abort();
  }
}

function watchPath(path: string, version: string, random: () => number): string {
  const seconds = LEAST_WATCH_SECONDS + Math.floor(random() * MORE_WATCH_SECONDS);
  const query = `watch=1&allowWatchBookmarks=true&timeoutSeconds=${seconds}&resourceVersion=${encodeURIComponent(version)}`;
  return `${path}${path.includes('?') ? '&' : '?'}${query}`;
}
