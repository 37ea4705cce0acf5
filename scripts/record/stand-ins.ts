/** Gives each text a stand-in: the same one whenever it comes again, another one for every other text. */
export type StandIns = (original: string) => string;

/** `make` is told the number of the text, from 1, in the order in which they first come. */
export function createStandIns(make: (number: number, original: string) => string): StandIns {
  const known = new Map<string, string>();
  return (original) => {
    let found = known.get(original);
    if (found === undefined) {
      found = make(known.size + 1, original);
      known.set(original, found);
    }
    return found;
  };
}
