import { isIP, isIPv6 } from 'node:net';
import { checkServerIdentity, type PeerCertificate } from 'node:tls';
import { isRecord } from './body.ts';

/** What is connected to. */
interface SocketOptions {
  readonly host?: string | undefined;
  readonly servername?: string | undefined;
}

/** The library's agent for CONNECT proxies (hpagent). */
interface TunnelAgent {
  proxy: { readonly hostname: string; readonly port: string; readonly protocol: string };
  createConnection: (options: SocketOptions, callback: unknown) => unknown;
}

/** The library's agent for SOCKS proxies (socks-proxy-agent). */
interface SocksAgent {
  connect: (request: unknown, options: SocketOptions) => unknown;
}

/**
 * Corrects what `agent` would do with addresses on the way through a proxy; one that goes through none is left alone.
 * - An IPv6 address stands in brackets in what a CONNECT proxy is asked for (RFC 9110, 9.3.6), and without them where
 *   the proxy's own address is connected to.
 * - A server whose name is an address has to have a certificate for that address. It may not be sent as a server's name
 *   (RFC 6066, 3), and Node would compare `localhost` through SOCKS, and what has the brackets through CONNECT.
 *
 * Said here and not in each request: Node keeps no connection alive whose request brings a check of its own.
 */
export function correctProxyAgent(agent: object): void {
  if (isTunnelAgent(agent)) {
    agent.proxy = withoutBrackets(agent.proxy);
    const create = agent.createConnection.bind(agent);
    agent.createConnection = (options, callback) => create(inBrackets(options), callback);
  } else if (isSocksAgent(agent)) {
    const connect = agent.connect.bind(agent);
    agent.connect = (request, options) => connect(request, withIdentity(options));
  }
}

function isTunnelAgent(agent: object): agent is TunnelAgent {
  return 'proxy' in agent && isRecord(agent.proxy) && 'hostname' in agent.proxy && 'protocol' in agent.proxy;
}

function isSocksAgent(agent: object): agent is SocksAgent {
  return 'proxy' in agent && 'shouldLookup' in agent && 'connect' in agent;
}

/** A URL has them, and its members are no properties that a copy would get. */
function withoutBrackets(proxy: TunnelAgent['proxy']): TunnelAgent['proxy'] {
  const { hostname, port, protocol, username, password } = proxy as URL;
  if (!hostname.startsWith('[')) return proxy;
  return { hostname: hostname.slice(1, -1), port, protocol, ...{ username, password } };
}

function inBrackets(options: SocketOptions): SocketOptions {
  const { host = '' } = options;
  return isIPv6(host) ? { ...withIdentity(options), host: `[${host}]` } : options;
}

function withIdentity(options: SocketOptions): SocketOptions {
  const { host = '', servername = '' } = options;
  if (servername !== '' || isIP(host) === 0) return options;
  const check = (_: string, certificate: PeerCertificate): Error | undefined => checkServerIdentity(host, certificate);
  return { ...options, ...{ checkServerIdentity: check } };
}
