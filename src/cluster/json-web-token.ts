import { isRecord } from './body.ts';

/** The last point in time that a Date can be (ECMA-262). */
const LAST_TIME_MS = 8.64e15;

/** When a JSON Web Token says that it expires (`exp`, RFC 7519 §4.1.4), ms since the epoch; null for any other token. */
export function expiryOfToken(token: string): number | null {
  const [, payload = '', signature] = token.split('.');
  if (signature === undefined) return null;
  try {
    const claims: unknown = JSON.parse(Buffer.from(payload, 'base64url').toString('utf8'));
    const expiresAtMs = isRecord(claims) && typeof claims.exp === 'number' ? claims.exp * 1_000 : Number.NaN;
    return Math.abs(expiresAtMs) <= LAST_TIME_MS ? expiresAtMs : null;
  } catch {
    return null;
  }
}
