import { ConnectError } from './connect-error.ts';
import { basicOf } from './kubeconfig-secrets.ts';
import { bypassesProxy } from './no-proxy.ts';

/** The proxy on the way to the API server. */
export interface ProxyServer {
  /** With credentials, if it has any: not for people. */
  readonly url: string;
  /** Host and port: for people. */
  readonly name: string;
  /** What of it must be masked: as it stands there, decoded, and as it is sent. */
  readonly secrets: readonly string[];
}

/** A user without a password is one, if it is as long: masking `jenkins` would black out words of the log. */
const LEAST_TOKEN_LENGTH = 20;

const SCHEMES: ReadonlySet<string> = new Set([
  'http:',
  'https:',
  'socks:',
  'socks4:',
  'socks4a:',
  'socks5:',
  'socks5h:',
]);

/**
 * The kubeconfig's `proxy-url`; else `HTTPS_PROXY` for https servers and `HTTP_PROXY` for others (lower case first, as
 * curl does), unless `NO_PROXY` matches; null for none. Throws ConnectError for a URL that is no proxy's.
 */
export function proxyFor(
  server: URL,
  proxyUrl: string | null,
  env: Readonly<Record<string, string | undefined>>,
): ProxyServer | null {
  if (proxyUrl !== null) return parseProxy(proxyUrl, "the kubeconfig's proxy-url");
  const name = server.protocol === 'https:' ? 'https_proxy' : 'http_proxy';
  const url = env[name] || env[name.toUpperCase()] || '';
  if (url === '') return null;
  const port = server.port || (server.protocol === 'https:' ? '443' : '80');
  const isBypassed = bypassesProxy(env.no_proxy || env.NO_PROXY || '', server.hostname, port);
  return isBypassed ? null : parseProxy(url, name.toUpperCase());
}

function parseProxy(text: string, source: string): ProxyServer {
  const withScheme = /^[a-z][a-z\d+.-]*:\/\//i.test(text) ? text : `http://${text}`;
  const url = URL.canParse(withScheme) ? new URL(withScheme) : null;
  const username = url === null ? null : decoded(url.username);
  const password = url === null ? null : decoded(url.password);
  if (url === null || username === null || password === null || !SCHEMES.has(url.protocol) || url.hostname === '') {
    // The URL itself may hold a password.
    throw new ConnectError(
      `${source} is no URL of a proxy; allowed: http://, https:// or socks5:// with host and port`,
      {
        reason: 'KubeconfigInvalid',
      },
    );
  }
  const secrets =
    password === ''
      ? [username].filter(({ length }) => length >= LEAST_TOKEN_LENGTH)
      : [...new Set([password, url.password, basicOf(username, password)])];
  return { url: withScheme, name: `${url.protocol}//${url.host}`, secrets };
}

/** null for a stray `%`. */
function decoded(text: string): string | null {
  try {
    return decodeURIComponent(text);
  } catch {
    return null;
  }
}
