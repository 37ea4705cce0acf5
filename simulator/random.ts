/** Numbers that look random and are the same for the same seed. */
export interface Random {
  /** In [0, 1). */
  readonly next: () => number;
  /** In [low, high). */
  readonly between: (low: number, high: number) => number;
  /** Lower-case hex digits, as in container and sandbox ids. */
  readonly hex: (length: number) => string;
  /** A version 4 uuid, as the API server makes uids. */
  readonly uuid: () => string;
  /** The ending of a generated name (`k8s.io/apimachinery/pkg/util/rand`: no vowels, no 0, 1, 3). */
  readonly suffix: (length?: number) => string;
}

/** The alphabet of generated names; without vowels, lest they spell something. */
const NAME_ALPHABET = 'bcdfghjklmnpqrstvwxz2456789';
const HEX = '0123456789abcdef';

/** mulberry32: small, fast and good enough for jitter. */
export function createRandom(seed: number): Random {
  let state = seed >>> 0;
  const next = (): number => {
    state = (state + 0x6d2b79f5) >>> 0;
    let mixed = Math.imul(state ^ (state >>> 15), state | 1);
    mixed ^= mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61);
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 0x1_0000_0000;
  };
  const pick = (alphabet: string, length: number): string => {
    let text = '';
    for (let index = 0; index < length; index += 1) text += alphabet[Math.floor(next() * alphabet.length)];
    return text;
  };
  const hex = (length: number): string => pick(HEX, length);
  return {
    next,
    between: (low, high) => low + next() * (high - low),
    hex,
    uuid: () => `${hex(8)}-${hex(4)}-4${hex(3)}-${pick('89ab', 1)}${hex(3)}-${hex(12)}`,
    suffix: (length = 5) => pick(NAME_ALPHABET, length),
  };
}

/** FNV-1a, 32 bit: spreads a text over numbers for seeds and template hashes. */
function hashOf(text: string): number {
  let hash = 0x811c9dc5;
  for (let index = 0; index < text.length; index += 1) {
    hash = Math.imul(hash ^ text.charCodeAt(index), 0x01000193) >>> 0;
  }
  return hash;
}

/** A template hash as controllers print it: decimal digits mapped to the alphabet of names (`rand.SafeEncodeString`). */
export function templateHash(text: string): string {
  return [...String(hashOf(text))].map((digit) => NAME_ALPHABET[digit.charCodeAt(0) % NAME_ALPHABET.length]).join('');
}
