import { createRandom } from '../../simulator/random.ts';

/** Drawn from one seed: the same seed tells the same story. */
export interface Chance {
  /** Whether something of this probability happens. */
  readonly of: (probability: number) => boolean;
  readonly pick: <T>(choices: readonly T[]) => T;
  /** A whole number from `low` to `high`, both included. */
  readonly int: (low: number, high: number) => number;
  /** In [low, high). */
  readonly between: (low: number, high: number) => number;
  readonly some: <T>(choices: readonly T[], probability: number) => readonly T[];
}

export function createChance(seed: number): Chance {
  const random = createRandom(seed);
  const of = (probability: number): boolean => random.next() < probability;
  const int = (low: number, high: number): number => low + Math.floor(random.next() * (high - low + 1));
  return {
    of,
    int,
    pick: (choices) => {
      const chosen = choices[int(0, choices.length - 1)];
      if (chosen === undefined) throw new Error('there is nothing to choose from');
      return chosen;
    },
    between: random.between,
    some: (choices, probability) => choices.filter(() => of(probability)),
  };
}
