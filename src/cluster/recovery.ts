import type { Now } from '../clock.ts';
import type { ApiError } from './api-error.ts';

/** Notices when a server that could not be reached answers again: whoever backs off need not wait to the end then. */
export interface Recovery {
  /** The outcome of one exchange; null: it succeeded. */
  readonly observe: (error: ApiError | null) => void;
  /** Aborts when the server answers for the first time after it could not be reached. */
  readonly signal: () => AbortSignal;
  /** When the server was away for everybody, to our last try of it, in the run's elapsed ms; null: it never was. */
  readonly outageElapsedMs: () => number | null;
}

/** So many failures in a row, whatever was asked for: a single one may be a connection's own. */
const OUTAGE_FAILURES = 2;

export function createRecovery(now: () => Now): Recovery {
  let isAway = false;
  let recovery = new AbortController();
  let failures = 0;
  let outageElapsedMs: number | null = null;

  /** A server that fails serves nobody else, either; but an access review, or a DELETE, may fail by webhooks of its own. */
  const countFailure = (error: ApiError | null): void => {
    if (error?.kind === 'aborted' || error?.verb === 'create' || error?.verb === 'delete') return;
    failures = error?.kind === 'unreachable' || error?.kind === 'server-error' ? failures + 1 : 0;
    if (failures >= OUTAGE_FAILURES) outageElapsedMs = now().elapsedMs;
  };
  return {
    observe: (error) => {
      const kind = error?.kind ?? null;
      countFailure(error);
      if (kind === 'unreachable') isAway = true;
      // A proxy's 503 is no answer of the server, and what the run gave up says nothing.
      if (!isAway || kind === 'unreachable' || kind === 'server-error' || kind === 'aborted') return;
      isAway = false;
      recovery.abort();
      recovery = new AbortController();
    },
    signal: () => recovery.signal,
    outageElapsedMs: () => outageElapsedMs,
  };
}
