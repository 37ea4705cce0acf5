import type { Clock } from '../clock.ts';
import type { Snapshot } from '../objects/snapshot.ts';
import type { Settings } from '../settings.ts';
import type { Timing } from '../timing.ts';
import type { Api } from './api.ts';
import type { ApiError } from './api-error.ts';

export interface ViewOptions {
  readonly api: Api;
  readonly clock: Clock;
  readonly settings: Pick<
    Settings,
    'namespaces' | 'excludeNamespaces' | 'selector' | 'selectorText' | 'calicoNamespace'
  >;
  readonly timing: Pick<Timing, 'viewGapMs' | 'forbiddenRetryMs'>;
  /** Ends everything. */
  readonly signal: AbortSignal;
  /** 0 (included) to 1 (excluded); default `Math.random`. */
  readonly random?: () => number;
}

/** The slim picture of the cluster, kept up to date by lists and watches. */
export interface View {
  /** Begins to read; resolves when everything that the verdict needs was read, or failed once, or the signal aborted. */
  readonly start: () => Promise<void>;
  /** The picture now. Cheap: what has not changed is the same object as before. */
  readonly snapshot: () => Snapshot;
  /**
   * Reads everything that the verdict needs once more with fresh lists. True: all of them succeeded, and the next
   * `snapshot()` holds what they said. False: one of them failed, or `signal` aborted.
   */
  readonly refresh: (signal: AbortSignal) => Promise<boolean>;
  /** From now on read all pods of these nodes as witnesses, where allowed; replaces the nodes given before. */
  readonly watchNodes: (nodes: readonly string[]) => void;
  /** From now on read the pods of these namespaces (Calico's), where allowed; replaces those given before. */
  readonly watchCalico: (namespaces: readonly string[]) => void;
  /** Resolves when the picture has changed since the last `snapshot()` (at once if it has), or when closed. */
  readonly changed: () => Promise<void>;
  /** Why the view can never become complete (401 for good …); null while it can. */
  readonly failure: () => ApiError | null;
  /** Ends all watches. */
  readonly close: () => void;
}
