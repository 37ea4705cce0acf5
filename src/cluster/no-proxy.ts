import { BlockList, isIP, isIPv4 } from 'node:net';

/**
 * Whether `NO_PROXY` takes a host out of the proxy's hands. Entries are separated by commas or white space: `*`; a host
 * name, which its subdomains match too, with or without a leading dot or `*.`; an address; a CIDR block (v4 or v6); each
 * may carry a port, which then has to match. This machine itself never goes through a proxy (as in Go's
 * golang.org/x/net/http/httpproxy and in curl).
 */
export function bypassesProxy(noProxy: string, hostname: string, port: string): boolean {
  const host = bare(hostname);
  if (isLoopback(host)) return true;
  return noProxy
    .split(/[\s,]+/)
    .filter((entry) => entry !== '')
    .some((entry) => matches(entry.toLowerCase(), host, port));
}

function isLoopback(host: string): boolean {
  if (host === 'localhost' || host.endsWith('.localhost')) return true;
  return isIP(host) !== 0 && LOOPBACK.check(host, familyOf(host));
}

const LOOPBACK = new BlockList();
LOOPBACK.addSubnet('127.0.0.0', 8, 'ipv4');
LOOPBACK.addAddress('::1', 'ipv6');

function matches(entry: string, host: string, port: string): boolean {
  if (entry === '*') return true;
  if (entry.includes('/')) return matchesBlock(entry, host);
  const { name, port: wantedPort } = splitPort(entry);
  if (wantedPort !== '' && wantedPort !== port) return false;
  if (isIP(name) !== 0)
    return isIP(host) !== 0 && blockOf(name, isIPv4(name) ? 32 : 128)?.check(host, familyOf(host)) === true;
  const suffix = name.replace(/^\*?\./, '');
  return suffix !== '' && (host === suffix || host.endsWith(`.${suffix}`));
}

function matchesBlock(entry: string, host: string): boolean {
  const [network = '', prefix = ''] = entry.split('/', 2);
  const block = /^\d{1,3}$/.test(prefix) ? blockOf(bare(network), Number(prefix)) : null;
  return block !== null && isIP(host) !== 0 && block.check(host, familyOf(host));
}

/** null for what is no block. */
function blockOf(network: string, prefix: number): BlockList | null {
  const bits = { 0: -1, 4: 32, 6: 128 }[isIP(network)] ?? -1;
  if (prefix > bits) return null;
  const block = new BlockList();
  block.addSubnet(network, prefix, familyOf(network));
  return block;
}

/** `host:port`, `[v6]:port`; a bare v6 address has colons and no port. */
function splitPort(entry: string): { readonly name: string; readonly port: string } {
  const match = /^(\[[^\]]+\]|[^:]+):(\d+)$/.exec(entry);
  return match === null ? { name: bare(entry), port: '' } : { name: bare(match[1] ?? ''), port: match[2] ?? '' };
}

function bare(host: string): string {
  return host.toLowerCase().replace(/^\[|\]$/g, '');
}

function familyOf(address: string): 'ipv4' | 'ipv6' {
  return isIPv4(address) ? 'ipv4' : 'ipv6';
}
