import { isIPv4, isIPv6 } from 'node:net';
import { createStandIns } from './stand-ins.ts';

/** Replaces what identifies machines, accounts and people, wherever it stands; the same by the same. */
export type MaskIdentifiers = (text: string) => string;

export interface KnownIdentifiers {
  /** uids of objects: made at random for this cluster, and what everything is found by. They stay. */
  readonly uids: ReadonlySet<string>;
  /** Names of hosts that are to be replaced. */
  readonly hosts: ReadonlySet<string>;
}

const UUID = /(?<![0-9a-f])[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}(?![0-9a-f])/gi;
const MAC = /(?<![\w:-])[0-9a-f]{2}(?:[:-][0-9a-f]{2}){5}(?![\w:-])/gi;
const IPV4 = /(?<![\w.])(?:\d{1,3}\.){3}\d{1,3}(?!\w|\.\d)/g;
const IPV6 = /(?<![\w:.])(?:[0-9a-f]{0,4}:){2,7}[0-9a-f]{0,4}(?![\w:]|\.\d)/gi;
const EMAIL = /[\w.+-]+@[\w-]+(?:\.[\w-]+)+/g;
/** EC2's instances, volumes, interfaces … */
const CLOUD_ID = /(?<![\w-])(i|eni|vol|subnet|sg|vpc|ami|lt)-(?:[0-9a-f]{17}|[0-9a-f]{8})(?![\w-])/g;
const CLOUD_ACCOUNT = /(arn:aws[\w-]*:[\w-]*:[\w-]*:)\d{12}(?=:)/g;

/** Name nobody. */
const COMMON_ADDRESSES: ReadonlySet<string> = new Set(['0.0.0.0', '127.0.0.1', '255.255.255.255', '::', '::1']);

export function createMaskIdentifiers({ uids, hosts }: KnownIdentifiers): MaskIdentifiers {
  const uuid = createStandIns((n) => `00000000-0000-4000-8000-${hex(n, 12)}`);
  // Locally administered.
  const mac = createStandIns((n) => `02:${hex(n, 10).match(/../g)?.join(':')}`);
  // RFC 2544: for measurements, never routed.
  const ipv4 = createStandIns((n) => `198.${18 + (n >> 16)}.${(n >> 8) & 255}.${n & 255}`);
  // RFC 3849: for documentation.
  const ipv6 = createStandIns((n) => `2001:db8::${hex(n, 1)}`);
  const person = createStandIns((n) => `someone${n}@example.com`);
  // RFC 2606.
  const host = createStandIns((n) => `host${n}.example`);
  const cloudId = createStandIns((n, original) => `${original.split('-')[0]}-${hex(n, 17)}`);
  const anyHost = alternation(hosts);

  return (text) => {
    if (/^[\w-]{0,15}$/.test(text)) return text;
    const masked = text
      .replace(EMAIL, person)
      .replace(UUID, (found) => (uids.has(found) ? found : uuid(found.toLowerCase())))
      .replace(MAC, (found) => mac(found.toLowerCase()))
      .replace(IPV6, (found) => (isIPv6(found) && !COMMON_ADDRESSES.has(found) ? ipv6(found) : found))
      .replace(IPV4, (found) => (isIPv4(found) && !COMMON_ADDRESSES.has(found) ? ipv4(found) : found))
      .replace(CLOUD_ID, cloudId)
      .replace(CLOUD_ACCOUNT, '$1000000000000');
    return anyHost === null ? masked : masked.replace(anyHost, host);
  };
}

function hex(number: number, digits: number): string {
  return number.toString(16).padStart(digits, '0');
}

/** Any of `words` that stands by itself, the longest first; null for none. */
function alternation(words: ReadonlySet<string>): RegExp | null {
  if (words.size === 0) return null;
  const longestFirst = [...words].toSorted((a, b) => b.length - a.length || (a < b ? -1 : 1));
  return new RegExp(`(?<![\\w.-])(?:${longestFirst.map(escaped).join('|')})(?![\\w-]|\\.\\w)`, 'g');
}

function escaped(word: string): string {
  return word.replaceAll(/[\\^$.*+?()[\]{}|/-]/g, '\\$&');
}
