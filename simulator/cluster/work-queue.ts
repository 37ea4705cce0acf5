import type { ClusterContext } from './context.ts';

/** A controller's queue: many changes to one object become one look at it, a moment later. */
export interface WorkQueue {
  /** Asks for a look at `key`; default soon. A sooner look replaces a later one. */
  readonly add: (key: string, delayMs?: number) => void;
  /** Stops looking, as a controller that hangs; asked-for looks wait. */
  readonly pause: () => void;
  readonly resume: () => void;
}

/** A controller's way from the watch event to its write. */
const LOOK_LOW_MS = 8;
const LOOK_HIGH_MS = 40;

export function createWorkQueue(context: ClusterContext, look: (key: string) => void): WorkQueue {
  const due = new Map<string, { readonly atMs: number; readonly cancel: () => void }>();
  const held = new Set<string>();
  let paused = false;
  const { world, random } = context;

  const add = (key: string, delayMs = random.between(LOOK_LOW_MS, LOOK_HIGH_MS)): void => {
    if (paused) {
      held.add(key);
      return;
    }
    const atMs = world.nowMs() + delayMs;
    const waiting = due.get(key);
    if (waiting && waiting.atMs <= atMs) return;
    waiting?.cancel();
    const cancel = world.after(delayMs, () => {
      due.delete(key);
      if (paused) held.add(key);
      else look(key);
    });
    due.set(key, { atMs, cancel });
  };

  return {
    add,
    pause: () => {
      paused = true;
    },
    resume: () => {
      paused = false;
      for (const key of held) add(key);
      held.clear();
    },
  };
}
