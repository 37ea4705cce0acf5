import { type Clock, type Now, sleep } from '../clock.ts';
import type { Snapshot } from '../objects/snapshot.ts';
import type { Timing } from '../timing.ts';
import type { Api } from './api.ts';
import type { ApiError } from './api-error.ts';
import { createPicture, type Picture, type Scope } from './picture.ts';
import { type ReadingContext, refreshReadable } from './resource-view.ts';

export interface ViewOptions {
  readonly api: Api;
  readonly clock: Clock;
  readonly settings: Scope;
  readonly timing: Pick<Timing, 'viewGapMs' | 'forbiddenRetryMs'>;
  /** Ends everything. */
  readonly signal: AbortSignal;
  /** 0 (included) to 1 (excluded); default `Math.random`. */
  readonly random?: () => number;
}

/** The slim picture of the cluster, kept up to date by lists and watches. */
export interface View {
  /**
   * Begins to read; resolves when everything that the verdict needs was read, or failed once, or the signal aborted.
   * What only explains has a moment more.
   */
  readonly start: () => Promise<void>;
  /** The picture now. Cheap: what has not changed is the same object as before. */
  readonly snapshot: () => Snapshot;
  /**
   * Reads everything that the verdict needs once more with fresh lists. True: all of them succeeded, and the next
   * `snapshot()` holds what they said. False: one of them failed, or `signal` aborted. `withEvents`: events as well, as
   * far as they can be had.
   */
  readonly refresh: (signal: AbortSignal, withEvents: boolean) => Promise<boolean>;
  /**
   * The same for what a restart is decided from: the pods and events of the scope, Calico's DaemonSets and pods. What may
   * not be read is left out.
   */
  readonly refreshForRestart: (signal: AbortSignal) => Promise<boolean>;
  /** From now on read all pods of these nodes as witnesses, where allowed; replaces the nodes given before. */
  readonly watchNodes: (nodes: readonly string[]) => void;
  /** From now on read the pods of these namespaces (Calico's), where allowed; replaces those given before. */
  readonly watchCalico: (namespaces: readonly string[]) => void;
  /** Resolves when the picture has changed since the last `snapshot()` (at once if it has), or when closed. */
  readonly changed: () => Promise<void>;
  /** Nothing is known to be true since then, because of `message`. Everything is listed anew. */
  readonly distrust: (since: Now, message: string) => void;
  /** Why the view can never become complete (401 for good …); null while it can. */
  readonly failure: () => ApiError | null;
  /** Ends all watches. */
  readonly close: () => void;
}

type Distrust = Parameters<ReadingContext['onDistrust']>[0];

/** Events, nodes and Calico come with the first look where they can be had at all: nobody waits for a list that hangs. */
const EXPLANATION_MS = 2_000;

/** See `View`. Nothing is read before it is used. */
export function createView(options: ViewOptions): View {
  const { api, settings } = options;
  const end = new AbortController();
  const signal = AbortSignal.any([options.signal, end.signal]);
  const changes = createChanges(signal);
  const parts = new Set<Distrust>();
  const context: ReadingContext = {
    ...options,
    onDistrust: (distrust, partSignal) => {
      parts.add(distrust);
      partSignal.addEventListener('abort', () => parts.delete(distrust), { once: true });
    },
    random: options.random ?? Math.random,
    signal,
    onChange: changes.tell,
  };
  let begun: Picture | null = null;
  const picture = (): Picture => {
    begun ??= createPicture(context, settings);
    return begun;
  };

  return {
    start: async () => {
      await Promise.race([picture().neededSettled, aborted(signal)]);
      await Promise.race([picture().settled, sleep(options.clock, EXPLANATION_MS, signal)]);
    },
    snapshot: () => {
      changes.seen();
      return picture().snapshot(api.now());
    },
    refresh: async (refreshSignal, withEvents) => {
      const { needed, presence, events } = picture();
      const explained = withEvents ? refreshReadable(events, refreshSignal, api.now) : null;
      const refreshed = await Promise.all([...needed, presence].map((part) => part.refresh(refreshSignal)));
      await explained;
      return refreshed.every((isFresh) => isFresh);
    },
    refreshForRestart: (refreshSignal) => picture().refreshForRestart(refreshSignal),
    watchNodes: (nodes) => picture().witnesses.watch(nodes),
    watchCalico: (namespaces) => picture().calico.watch(namespaces),
    changed: changes.next,
    distrust: (since, message) => {
      for (const distrust of parts) distrust(since, message);
      changes.tell();
    },
    failure: api.failure,
    close: () => end.abort(),
  };
}

/** Whether something changed since somebody looked. */
function createChanges(signal: AbortSignal): {
  readonly tell: () => void;
  readonly seen: () => void;
  readonly next: () => Promise<void>;
} {
  let hasChanged = true;
  let wake = (): void => {};
  let change: Promise<void> | null = null;
  const tell = (): void => {
    hasChanged = true;
    change = null;
    wake();
  };
  signal.addEventListener('abort', tell, { once: true });
  return {
    tell,
    seen: () => {
      hasChanged = false;
    },
    next: () => {
      if (hasChanged || signal.aborted) return Promise.resolve();
      change ??= new Promise((resolve) => {
        wake = resolve;
      });
      return change;
    },
  };
}

function aborted(signal: AbortSignal): Promise<void> {
  if (signal.aborted) return Promise.resolve();
  return new Promise((resolve) => signal.addEventListener('abort', () => resolve(), { once: true }));
}
