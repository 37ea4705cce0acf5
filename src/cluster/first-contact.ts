import type { Clock } from '../clock.ts';
import type { ApiError } from './api-error.ts';

/**
 * How long a server that was never reached is tried: a wrong address must not use up the timeout, and the DNS or the
 * network of a fresh machine may need some seconds. The problem is told at once, before the patience is over.
 */
export const FIRST_CONTACT_PATIENCE_MS = 30_000;

/** What may be repeated, which depends on whether this server has ever answered as an API server does. */
export interface FirstContact {
  readonly made: () => void;
  /**
   * What to do about a GET that failed so: `repeat` it, give `up` this one request, or it is `final` for the run.
   */
  readonly judge: (error: ApiError) => 'repeat' | 'up' | 'final';
  /** Longest wait before the next try: the last one before any contact comes when the patience is over, not later. */
  readonly longestWaitMs: () => number;
}

/** Until there is contact nobody is spared by waiting longer. */
const LONGEST_FIRST_WAIT_MS = 5_000;

/**
 * Certificates, redirects, HTML, proxies that refuse and credentials that cannot be had are configuration as long as no
 * contact was made: they end the run at once. Afterwards they are an outage like any other. `onTrouble` is told of the
 * first trouble that is waited out before any contact.
 */
export function createFirstContact(clock: Clock, onTrouble: (error: ApiError) => void): FirstContact {
  let isMade = false;
  let troubleSinceMs: number | null = null;

  const mayStillComeUp = (error: ApiError): boolean => {
    if (isMade) return true;
    if (troubleSinceMs === null) {
      troubleSinceMs = clock.monotonicMs();
      onTrouble(error);
    }
    return clock.monotonicMs() - troubleSinceMs < FIRST_CONTACT_PATIENCE_MS;
  };

  return {
    made: () => {
      isMade = true;
    },
    longestWaitMs: () => {
      if (isMade || troubleSinceMs === null) return Number.POSITIVE_INFINITY;
      const restMs = troubleSinceMs + FIRST_CONTACT_PATIENCE_MS - clock.monotonicMs();
      return Math.min(LONGEST_FIRST_WAIT_MS, Math.max(0, restMs));
    },
    judge: (error) => {
      switch (error.kind) {
        case 'too-many-requests':
        case 'server-error':
          return 'repeat';
        case 'unreachable':
          return mayStillComeUp(error) ? 'repeat' : 'final';
        case 'certificate':
        case 'redirect':
        case 'not-kubernetes':
        case 'credentials':
          return isMade ? 'repeat' : 'final';
        case 'unauthorized':
          return 'final';
        case 'forbidden':
        case 'not-found':
        case 'conflict':
        case 'expired':
        case 'invalid':
        case 'aborted':
          return 'up';
      }
    },
  };
}
