import type { RequestWords } from './request-words.ts';

/** One request that reached the server, for assertions. */
export interface LoggedRequest extends RequestWords {
  /** World ms at which it came. */
  readonly atMs: number;
  /** The server's wall clock at that moment, RFC 3339. */
  readonly at: string;
  readonly method: string;
  readonly path: string;
  readonly user: string | undefined;
  readonly accept: string | undefined;
  readonly body: string | undefined;
  /** What was answered; `undefined` while pending, and when the connection broke instead. */
  status: number | undefined;
  /** The first is 1; counts requests of the same method and path without query. */
  readonly nth: number;
}

/** What a fault decides by. */
export type RequestSeen = Readonly<LoggedRequest>;

/** Counts and keeps requests; `keep` bounds memory in soak runs. */
export function createRequestLog(keep = 100_000): {
  readonly entries: LoggedRequest[];
  readonly add: (entry: Omit<LoggedRequest, 'nth' | 'status'>) => LoggedRequest;
} {
  const entries: LoggedRequest[] = [];
  const counts = new Map<string, number>();
  return {
    entries,
    add: (entry) => {
      const key = `${entry.method} ${entry.path.split('?')[0]}`;
      const nth = (counts.get(key) ?? 0) + 1;
      counts.set(key, nth);
      const logged: LoggedRequest = { ...entry, status: undefined, nth };
      entries.push(logged);
      if (entries.length > keep) entries.splice(0, keep / 2);
      return logged;
    },
  };
}
