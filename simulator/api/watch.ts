import type { KubeObject } from '../objects.ts';
import type { Random } from '../random.ts';
import type { WorldClock } from '../world-clock.ts';
import { type Answer, bytesOf, statusAnswer } from './answer.ts';
import type { Matcher } from './field-selector.ts';
import type { Representation } from './representation.ts';
import { apiVersionOf, type Resource } from './resources.ts';
import { statusErrors } from './status-errors.ts';
import { type Change, objectText, partialText, type Store } from './store.ts';

export interface WatchQuery {
  readonly resource: Resource;
  readonly namespace: string | undefined;
  readonly matches: Matcher;
  readonly resourceVersion: string;
  readonly allowWatchBookmarks: boolean;
  readonly sendInitialEvents: boolean | undefined;
  readonly timeoutSeconds: number | undefined;
  readonly representation: Representation;
  readonly signal: AbortSignal;
}

/** What tests do to watches; the faults a network or a restarting API server brings. */
export interface WatchControl {
  /** Ends all open watches in the regular way. */
  readonly close: () => void;
  /** Breaks all open watches: the reader gets ECONNRESET. */
  readonly reset: () => void;
  /** From now on watches stay open and say nothing, not even bookmarks; what happens meanwhile is lost to them. */
  readonly silence: () => void;
  readonly resume: () => void;
  /** How many are open. */
  readonly open: () => number;
  /** How a version that was compacted away is refused: by an ERROR event (the real server) or by status 410. Default `event`. */
  goneAs: 'event' | 'status';
}

/** apiserver `cacher.go`: a bookmark a minute (jitter 25 %), and one 2 s before the timeout. */
const BOOKMARK_MS = 60_000;
const LAST_BOOKMARK_MS = 2_000;
/** `--min-request-timeout` of the real server: a watch without timeoutSeconds ends after 30 to 60 minutes. */
const DEFAULT_TIMEOUT_MS = 1_800_000;

/** A stream that is written to from the side and read at the reader's pace; several lines may come in one chunk. */
interface LineStream {
  readonly push: (line: string) => void;
  /** Ends it: for the reader in the regular way, or with `error`. */
  readonly end: (error?: Error) => void;
  readonly body: AsyncIterable<Uint8Array>;
}

function connectionReset(): Error {
  return Object.assign(new Error('read ECONNRESET'), { code: 'ECONNRESET' });
}

function createLineStream(onEnd: () => void): LineStream {
  let lines: string[] = [];
  let ended = false;
  let failure: Error | undefined;
  let wake: (() => void) | undefined;
  const finish = (error?: Error): void => {
    if (ended) return;
    ended = true;
    failure = error;
    onEnd();
    wake?.();
  };
  async function* read(): AsyncGenerator<Uint8Array> {
    try {
      for (;;) {
        if (lines.length > 0) {
          const text = lines.join('');
          lines = [];
          yield bytesOf(text);
        } else if (ended) {
          if (failure) throw failure;
          return;
        } else {
          await new Promise<void>((resolve) => {
            wake = resolve;
          });
          wake = undefined;
        }
      }
    } finally {
      finish();
    }
  }
  return {
    push: (line) => {
      if (ended) return;
      lines.push(line);
      wake?.();
    },
    end: finish,
    body: { [Symbol.asyncIterator]: read },
  };
}

export interface Watcher {
  readonly watch: (query: WatchQuery) => Answer;
  readonly control: WatchControl;
}

/** What a change means to one watch: objects that enter or leave its selection come as ADDED and DELETED. */
function lineFor(
  change: Change,
  inSelection: (object: KubeObject) => boolean,
  representation: Representation,
): string | undefined {
  const textOf = (object: KubeObject): string => objectText(change.resource, object, representation);
  const is = change.type !== 'DELETED' && inSelection(change.object);
  const was = change.before !== undefined && inSelection(change.before);
  if (!is && !was) return undefined;
  if (is) {
    return `{"type":"${was ? 'MODIFIED' : 'ADDED'}","object":${textOf(change.object)}}\n`;
  }
  // The last state that was in the selection, with the version of the change (`cacher.go: convertToWatchEvent`).
  const before = change.before ?? change.object;
  const last = { ...before, metadata: { ...before.metadata, resourceVersion: change.object.metadata.resourceVersion } };
  return `{"type":"DELETED","object":${textOf(last)}}\n`;
}

export function createWatcher(store: Store, world: WorldClock, random: Random): Watcher {
  const streams = new Set<LineStream>();
  let silent = false;
  const endAll = (error?: Error): void => {
    for (const stream of [...streams]) stream.end(error);
  };
  const control: WatchControl = {
    close: () => endAll(),
    reset: () => endAll(connectionReset()),
    silence: () => {
      silent = true;
    },
    resume: () => {
      silent = false;
    },
    open: () => streams.size,
    goneAs: 'event',
  };

  const bookmark = ({ resource, representation }: WatchQuery, isInitialEnd = false): string => {
    const annotations = {
      ...resource.bookmarkAnnotations,
      ...(isInitialEnd ? { 'k8s.io/initial-events-end': 'true' } : {}),
    };
    const metadata = {
      resourceVersion: String(store.version()),
      ...(Object.keys(annotations).length === 0 ? {} : { annotations }),
    };
    const object = { kind: resource.kind, apiVersion: apiVersionOf(resource), metadata, ...resource.bookmark };
    return `{"type":"BOOKMARK","object":${representation === 'metadata' ? partialText(object) : JSON.stringify(object)}}\n`;
  };

  const watch = (query: WatchQuery): Answer => {
    const inSelection = (object: KubeObject): boolean =>
      (query.namespace === undefined || object.metadata.namespace === query.namespace) && query.matches(object);
    const fromStart = query.resourceVersion === '' || query.resourceVersion === '0' || query.sendInitialEvents === true;
    const since = Number(query.resourceVersion || '0');
    if (!Number.isInteger(since) || since < 0) {
      const value = query.resourceVersion;
      return statusAnswer(
        statusErrors.unexplained(
          `resourceVersion: Invalid value: "${value}": strconv.ParseUint: parsing "${value}": invalid syntax`,
        ),
      );
    }
    const missed = fromStart ? [] : store.changesSince(since);
    const gone = statusErrors.watchExpired(query.resource, since, store.oldestVersion() + 1);
    if (!missed && control.goneAs === 'status') return statusAnswer(gone);

    const cancels: (() => void)[] = [];
    const stream = createLineStream(() => {
      streams.delete(stream);
      for (const cancel of cancels) cancel();
      query.signal.removeEventListener('abort', onAbort);
    });
    const onAbort = (): void => stream.end(query.signal.reason as Error);
    const answer: Answer = { status: 200, headers: { 'content-type': 'application/json' }, body: stream.body };
    if (!missed) {
      stream.push(`${JSON.stringify({ type: 'ERROR', object: gone })}\n`);
      stream.end();
      return answer;
    }
    streams.add(stream);
    query.signal.addEventListener('abort', onAbort, { once: true });

    const openedAt = store.version();
    const begunFrom = fromStart ? openedAt : since;
    if (fromStart) {
      for (const object of store.list(query.resource)) {
        if (!inSelection(object)) continue;
        stream.push(`{"type":"ADDED","object":${objectText(query.resource, object, query.representation)}}\n`);
      }
      // Also unasked, where the watch cache answers.
      if (query.allowWatchBookmarks && (query.sendInitialEvents || query.resource.hasWatchCache)) {
        stream.push(bookmark(query, true));
      }
    }
    const tell = (change: Change): void => {
      if (silent || change.resource !== query.resource || change.version <= begunFrom) return;
      const line = lineFor(change, inSelection, query.representation);
      if (line !== undefined) stream.push(line);
    };
    for (const change of missed) tell(change);
    cancels.push(store.subscribe(tell));

    const timeoutMs = query.timeoutSeconds ? query.timeoutSeconds * 1000 : DEFAULT_TIMEOUT_MS * random.between(1, 2);
    cancels.push(
      world.after(timeoutMs, () => {
        // Of a connection that is dead on the way the reader does not hear the end either.
        if (!silent) stream.end();
      }),
    );
    if (query.allowWatchBookmarks && query.resource.hasWatchCache) {
      const sendBookmark = (): void => {
        // None while the world stands still: `cache_watcher.go` sends only what is newer than the watch itself.
        if (!silent && store.version() > openedAt) stream.push(bookmark(query));
      };
      const repeat = (): void => {
        cancels.push(
          world.after(BOOKMARK_MS * random.between(1, 1.25), () => {
            sendBookmark();
            repeat();
          }),
        );
      };
      repeat();
      if (timeoutMs > LAST_BOOKMARK_MS) cancels.push(world.after(timeoutMs - LAST_BOOKMARK_MS, sendBookmark));
    }
    return answer;
  };

  return { watch, control };
}
