/** What a SOCKS proxy says instead of a connection (RFC 1928, as the `socks` package words it), and what it means. */
const SOCKS_REFUSALS: readonly (readonly [RegExp, string])[] = [
  [/authentication|NotAllowed|Rejected(?:Ident)?\)/i, 'ERR_PROXY_REFUSED'],
  [/rejected connection/i, 'ERR_PROXY_FAILED'],
  [/handshake|Socket closed/i, 'ERR_PROXY_NO_SOCKS'],
];
const ERRNO = /\b(E[A-Z]{4,})\b/;

/**
 * An error on the way through `proxy` (its name for people), with a code that `network-error.ts` knows. The client
 * library's agents say `Bad response: 407`, lose the code of what the network said to SOCKS, and hang their options on
 * the error, which hold the proxy's password: such an error is not kept as a cause.
 */
export function throughProxy(error: NodeJS.ErrnoException, proxy: string): Error {
  const { message } = error;
  const status = /^Bad response: (\d+)$/.exec(message)?.[1];
  if (status !== undefined) {
    const code = Number(status) >= 500 ? 'ERR_PROXY_FAILED' : 'ERR_PROXY_REFUSED';
    return Object.assign(new Error(`it answered ${status}`, { cause: error }), { code, proxy });
  }
  if (!proxy.startsWith('socks') || !('options' in error)) return Object.assign(error, { proxy });
  const code = ERRNO.exec(message)?.[1] ?? SOCKS_REFUSALS.find(([words]) => words.test(message))?.[1] ?? '';
  return Object.assign(new Error(message), { code, proxy });
}
