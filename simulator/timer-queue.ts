/** A wake-up that was asked for. */
interface Timer {
  readonly dueMs: number;
  /** Timers due at the same moment fire in the order in which they were asked for. */
  readonly order: number;
  wake: (() => void) | undefined;
}

/** Wake-ups in the order in which they are due; whoever owns the queue decides what time it is. */
export interface TimerQueue {
  /** Adds a wake-up; the returned function takes it out again. */
  readonly add: (dueMs: number, wake: () => void) => () => void;
  /** When the next wake-up is due; `undefined` when none is left. */
  readonly nextDueMs: () => number | undefined;
  /** Takes the next wake-up out, if it is due at `nowMs` or before. */
  readonly takeDue: (nowMs: number) => (() => void) | undefined;
  readonly size: () => number;
}

function isBefore(a: Timer, b: Timer): boolean {
  return a.dueMs < b.dueMs || (a.dueMs === b.dueMs && a.order < b.order);
}

/** A binary heap: a soak run keeps some ten thousand timers, and cancels most of them. */
export function createTimerQueue(): TimerQueue {
  const heap: Timer[] = [];
  let order = 0;
  let live = 0;

  const swap = (a: number, b: number): void => {
    const timer = heap[a] as Timer;
    heap[a] = heap[b] as Timer;
    heap[b] = timer;
  };

  const push = (timer: Timer): void => {
    let index = heap.push(timer) - 1;
    while (index > 0) {
      const parent = (index - 1) >> 1;
      if (!isBefore(heap[index] as Timer, heap[parent] as Timer)) return;
      swap(index, parent);
      index = parent;
    }
  };

  const pop = (): void => {
    const last = heap.pop() as Timer;
    if (heap.length === 0) return;
    heap[0] = last;
    let index = 0;
    for (;;) {
      let least = index;
      for (const child of [2 * index + 1, 2 * index + 2]) {
        if (child < heap.length && isBefore(heap[child] as Timer, heap[least] as Timer)) least = child;
      }
      if (least === index) return;
      swap(index, least);
      index = least;
    }
  };

  const head = (): Timer | undefined => {
    while (heap[0] && !heap[0].wake) pop();
    return heap[0];
  };

  return {
    add: (dueMs, wake) => {
      const timer: Timer = { dueMs, order: order++, wake };
      push(timer);
      live += 1;
      return () => {
        if (!timer.wake) return;
        timer.wake = undefined;
        live -= 1;
      };
    },
    nextDueMs: () => head()?.dueMs,
    takeDue: (nowMs) => {
      const timer = head();
      if (!timer || timer.dueMs > nowMs) return undefined;
      pop();
      const { wake } = timer;
      timer.wake = undefined;
      live -= 1;
      return wake;
    },
    size: () => live,
  };
}
