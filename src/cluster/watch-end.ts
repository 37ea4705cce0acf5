import type { ApiError } from './api-error.ts';

/** How a watch ended. `version`: from where it can be resumed; `eventCount`: changes of objects, not bookmarks. */
export type WatchEnd =
  /** It never began. */
  | { readonly why: 'refused'; readonly error: ApiError }
  /** The server or the network closed it, or the caller's signal did. */
  | WatchStop<'closed'>
  /** Nothing came for `WATCH_SILENCE_LIMIT_MS`. */
  | WatchStop<'silent'>
  /** Something came all the time, and no end after `WATCH_LIMIT_MS`. */
  | WatchStop<'overdue'>
  /** Something came that is no event: what was lost is not known. */
  | WatchStop<'garbled'>
  /** An object or bookmark came in an older version than one before it: what is true is not known. */
  | WatchStop<'disordered'>
  /** The server said why, in an ERROR event. */
  | (WatchStop<'error'> & { readonly code: number; readonly message: string; readonly retryAfterMs: number | null });

export interface WatchStop<Why> {
  readonly why: Why;
  readonly version: string;
  readonly eventCount: number;
  readonly openForMs: number;
}

/** A watch that ends sooner by itself was not ended by its `timeoutSeconds`. */
const SHORT_WATCH_MS = 10_000;

/** It told something, or lasted: not one of a series of failures. */
export function isUseful(end: WatchEnd): boolean {
  return end.why !== 'refused' && (end.openForMs >= SHORT_WATCH_MS || end.eventCount > 0);
}

/** Why nothing is seen, for people. */
export function wordsFor(end: WatchEnd): string {
  switch (end.why) {
    case 'refused':
      return end.error.message;
    case 'error':
      return `the watch ended with an error: ${end.code} ${end.message}`;
    case 'garbled':
      return 'the watch sent something that is no event';
    case 'silent':
      return 'the watch was silent for too long';
    case 'disordered':
      return 'the watch sent an older version of an object after a newer one';
    case 'overdue':
      return 'the watch did not end when it should';
    case 'closed':
      return 'the watch was closed';
  }
}
