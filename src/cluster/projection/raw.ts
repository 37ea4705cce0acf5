import { capText, TEXT_LIMIT_BYTES } from '../cap-text.ts';
import { createPool } from './pool.ts';

/** An object as an API server sent it: nothing about it is certain. */
export type Raw = Readonly<Record<string, unknown>>;

const NOTHING: Raw = Object.freeze({});

export function record(value: unknown): Raw {
  return value !== null && typeof value === 'object' ? (value as Raw) : NOTHING;
}

/** The elements of an array; Go prints an empty one as null. */
export function records(value: unknown): readonly Raw[] {
  return Array.isArray(value) ? value.map(record) : [];
}

export function strings(value: unknown): readonly string[] {
  return Array.isArray(value)
    ? value.filter((element) => typeof element === 'string').map((element) => shared(element))
    : [];
}

/** '' for anything but a text; capped, for what people write. */
export function text(value: unknown, limitBytes: number = TEXT_LIMIT_BYTES): string {
  return typeof value === 'string' ? capText(value, limitBytes) : '';
}

/** A name of which many objects have the same (namespaces, nodes, reasons …): kept once. '' for anything but a text. */
export function word(value: unknown): string {
  return typeof value === 'string' ? shared(value) : '';
}

/** Like `word`; null for anything but a text that is not empty. */
export function wordOrNull(value: unknown): string | null {
  return typeof value === 'string' && value !== '' ? shared(value) : null;
}

export function numberOr<Other>(value: unknown, other: Other): number | Other {
  return typeof value === 'number' ? value : other;
}

/** RFC 3339 to ms since the epoch; null for none, and for Go's zero and Unix' first moment, which mean "never". */
export function timeMs(value: unknown): number | null {
  if (typeof value !== 'string') return null;
  const ms = Date.parse(value);
  return ms > 0 ? ms : null;
}

/** For pools: the same for the same values of the same kinds, and for no others. */
export function keyOf(...values: readonly unknown[]): string {
  return values.map((value) => (typeof value === 'string' ? `${value.length}:${value}` : typeof value)).join();
}

/** Labels and the like; entries that are no texts are left out. */
export function stringMap(value: unknown): Readonly<Record<string, string>> {
  const map: Record<string, string> = {};
  for (const [key, entry] of Object.entries(record(value))) {
    if (typeof entry === 'string') map[shared(key)] = shared(entry);
  }
  return map;
}

/** Longer texts are hardly ever the same, and looking them up costs more than keeping them. */
const LONGEST_SHARED = 128;
/** JSON.parse makes a new string for every value: ten thousand pods would keep ten thousand copies of `True`. */
const share = createPool<string>();

function shared(value: string): string {
  return value.length > LONGEST_SHARED ? text(value) : share(value, () => value);
}
