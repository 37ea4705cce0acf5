const PROMISES_ONE = '(?:token|secret|password|passwd|passphrase|pwd|credentials?|key)';
/**
 * What credentials look like and words do not: private keys, JSON Web Tokens, what stands behind a scheme of `Authorization` or a name
 * that promises one, the user in a URL, and long runs without a break. Behind such a name and a space most words are only
 * words ("the token has expired"): hidden are those with letters and digits, and long ones, but no paths and addresses. What stands
 * in front is looked for backwards at each character: without bounds a megabyte of blanks would take hours.
 */
const LOOKS_SECRET: readonly RegExp[] = [
  /-----BEGIN [\w ]*PRIVATE KEY-----[\s\S]*?(?:-----END [\w ]*-----|$)/g,
  /eyJ[\w-]{8,}(?:\.[\w-]+)*/g,
  /(?<=\b(?:bearer|basic)\s{1,9})[\w.~+/=-]{6,}/gi,
  new RegExp(`(?<=${PROMISES_ONE}["']?\\s{0,9}[:=]\\s{0,9})(?:"[^"]+"|'[^']+'|[^\\s"',;]{6,})`, 'gi'),
  new RegExp(
    `(?<=${PROMISES_ONE}s?["']?(?:\\s{1,9}(?:is|was|id))?\\s{1,9}["'\`]?)(?![~./]|[a-z]+://)` +
      '(?:(?=[^\\s"\'`,;]*\\d)(?=[^\\s"\'`,;]*[a-z])[^\\s"\'`,;]{6,}|[^\\s"\'`,;]{20,})',
    'gi',
  ),
  /(?<=:\/\/)[^\s/]+(?=@)/g,
  /[A-Za-z0-9+/_=-]{40,}/g,
];
const HIDDEN = '***';
/** Shorter ones are part of ordinary words. */
const LEAST_KNOWN_LENGTH = 6;

/** `text` without the `known` credentials, and without anything that looks like one: for what plugins say. */
export function redact(text: string, known: readonly string[] = []): string {
  const withoutKnown = known
    .filter(({ length }) => length >= LEAST_KNOWN_LENGTH)
    .sort((one, other) => other.length - one.length)
    .reduce((rest, secret) => rest.replaceAll(secret, HIDDEN), text);
  return LOOKS_SECRET.reduce((rest, pattern) => rest.replaceAll(pattern, HIDDEN), withoutKnown);
}
