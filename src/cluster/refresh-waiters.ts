/** Answers one who waits for a fresh list: whether it is there. */
type Waiter = (isFresh: boolean) => void;

/** Those who wait for a fresh list. */
export interface RefreshWaiters {
  /** Resolves with the answer; with false when `signal` aborts before. */
  readonly wait: (signal: AbortSignal) => Promise<boolean>;
  /** All who wait now. */
  readonly present: () => readonly Waiter[];
  /** Answers those, default all. */
  readonly answer: (isFresh: boolean, those?: readonly Waiter[]) => void;
}

export function createRefreshWaiters(): RefreshWaiters {
  let waiting: readonly Waiter[] = [];

  const answer: RefreshWaiters['answer'] = (isFresh, those = waiting) => {
    waiting = waiting.filter((waiter) => !those.includes(waiter));
    for (const waiter of those) waiter(isFresh);
  };

  return {
    present: () => waiting,
    answer,
    wait: (signal) =>
      new Promise((resolve) => {
        const settle: Waiter = (isFresh) => {
          signal.removeEventListener('abort', onAbort);
          resolve(isFresh);
        };
        const onAbort = (): void => answer(false, [settle]);
        signal.addEventListener('abort', onAbort, { once: true });
        waiting = [...waiting, settle];
      }),
  };
}
