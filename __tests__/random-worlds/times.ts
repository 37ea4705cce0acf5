import type { Inputs } from '../harness.ts';
import type { Chance } from './chance.ts';

/** `short`: how often the timeout comes just before or after all has been stable. */
export function timesOf(chance: Chance, [leastS, mostS]: readonly [number, number], short: number): Inputs {
  const stableS = chance.pick([0, 5, 15, 15]);
  const timeoutS = chance.of(short) ? stableS + chance.int(1, 6) : chance.int(leastS, mostS);
  return { timeout: `${timeoutS}s`, 'stable-for': `${stableS}s` };
}
