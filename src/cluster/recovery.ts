import type { ApiError } from './api-error.ts';

/** Notices when a server that could not be reached answers again: whoever backs off need not wait to the end then. */
export interface Recovery {
  /** The outcome of one exchange; null: it succeeded. */
  readonly observe: (error: ApiError | null) => void;
  /** Aborts when the server answers for the first time after it could not be reached. */
  readonly signal: () => AbortSignal;
}

export function createRecovery(): Recovery {
  let isAway = false;
  let recovery = new AbortController();
  return {
    observe: (error) => {
      const kind = error?.kind ?? null;
      if (kind === 'unreachable') isAway = true;
      // A proxy's 503 is no answer of the server, and what the run gave up says nothing.
      if (!isAway || kind === 'unreachable' || kind === 'server-error' || kind === 'aborted') return;
      isAway = false;
      recovery.abort();
      recovery = new AbortController();
    },
    signal: () => recovery.signal,
  };
}
