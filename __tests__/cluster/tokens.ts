/** A JSON Web Token that nobody signed, with this end; null: without one. */
export function aToken(expiresAtMs: number | null): string {
  const part = (value: object): string => Buffer.from(JSON.stringify(value)).toString('base64url');
  const end = expiresAtMs === null ? {} : { exp: Math.floor(expiresAtMs / 1_000) };
  return `${part({ alg: 'none' })}.${part({ sub: 'me', ...end })}.${part({ nonce: Math.random() })}`;
}
