/** JSON Web Tokens, and long runs without a break: what credentials look like and words do not. */
const LOOKS_SECRET = /eyJ[\w-]+(?:\.[\w-]+)+|[A-Za-z0-9+/_=-]{40,}/g;
const HIDDEN = '***';

/** `text` without anything that looks like a credential: for what programs say that handle credentials. */
export function redact(text: string): string {
  return text.replace(LOOKS_SECRET, HIDDEN);
}
