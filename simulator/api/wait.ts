import type { WorldClock } from '../world-clock.ts';

/** Resolves after `delayMs` of the world's time (`undefined`: never), rejects when the request is given up. */
export function waited(world: WorldClock, delayMs: number | undefined, signal: AbortSignal): Promise<void> {
  return new Promise((resolve, reject) => {
    const giveUp = (): void => {
      cancel();
      reject(signal.reason as Error);
    };
    const cancel =
      delayMs === undefined
        ? (): void => {}
        : world.after(delayMs, () => {
            signal.removeEventListener('abort', giveUp);
            resolve();
          });
    if (signal.aborted) giveUp();
    else signal.addEventListener('abort', giveUp, { once: true });
  });
}
