import type { Agent, RequestOptions } from 'node:https';
import { getCACertificates } from 'node:tls';
import type { KubeConfig } from '@kubernetes/client-node/dist/config.js';
import { readCertificateFile } from './certificate-file.ts';
import { ConnectError, isConnectError } from './connect-error.ts';
import type { KubeconfigUser } from './kubeconfig.ts';
import type { Target } from './kubeconfig-source.ts';
import type { ProxyServer } from './proxy.ts';
import { correctProxyAgent } from './proxy-agent.ts';

/** How a connection is made: certificates, proxy, and the pool of connections that are kept alive. */
export interface Dial {
  readonly agent: Agent;
  readonly tls: Pick<RequestOptions, 'ca' | 'cert' | 'key' | 'servername' | 'rejectUnauthorized'>;
}

/** PEM of a client certificate that a plugin gave; null: what the kubeconfig has, or none. */
export interface ClientCertificate {
  readonly certificate: string | null;
  readonly key: string | null;
}

export interface Dialer {
  /** Rejects with ConnectError when certificates cannot be read. */
  readonly dial: (given: ClientCertificate) => Promise<Dial>;
  /** Reads certificate files anew from now on. */
  readonly renew: () => void;
  /** Ends all connections. */
  readonly close: () => void;
}

/** Whoever asked for it sees the failure. */
const ignored = (): void => {};

/** What was made for one client certificate, or for none. */
interface Made {
  readonly certificates: string;
  readonly dial: Promise<Dial>;
}

const CONTEXT = 'gate';

/**
 * TLS options and agents of the client library: certificates from files and data, `tls-server-name`, CONNECT and SOCKS
 * proxies. The library makes a new connection for each request; here they are kept alive. `mask` is told
 * private keys.
 */
export function createDialer(
  target: Target,
  proxy: ProxyServer | null,
  mask: (secret: string) => void = () => undefined,
): Dialer {
  const retired: Agent[] = [];
  let made: Made | null = null;

  const retire = (): void => {
    made?.dial.then(({ agent }) => {
      // What is in use goes on; what is idle is not used again.
      for (const socket of Object.values(agent.freeSockets).flat()) socket?.destroy();
      retired.push(agent);
    }, ignored);
    made = null;
  };
  const madeFor = (given: ClientCertificate): Made => {
    const certificates = JSON.stringify([given.certificate, given.key]);
    if (made?.certificates === certificates) return made;
    retire();
    const dial = configFor(target, proxy, given).then((config) => dialFrom(config, target));
    dial.catch(ignored);
    made = { certificates, dial };
    return made;
  };

  return {
    dial: async (given) => {
      const present = madeFor(given);
      try {
        const dial = await present.dial;
        // Of a file, too.
        if (dial.tls.key !== undefined) mask(String(dial.tls.key));
        return dial;
      } catch (error) {
        // The file may be there next time.
        if (made === present) made = null;
        throw error;
      }
    },
    renew: () => {
      const { certFile = null, keyFile = null } = target.user ?? {};
      if (certFile !== null || keyFile !== null) retire();
    },
    close: () => {
      made?.dial.then(({ agent }) => agent.destroy(), ignored);
      for (const agent of retired) agent.destroy();
    },
  };
}

async function configFor(target: Target, proxy: ProxyServer | null, given: ClientCertificate): Promise<KubeConfig> {
  // Loaded only now: the library takes longer to load than the gate to say its first line.
  const { KubeConfig: Config } = await import('@kubernetes/client-node/dist/config.js');
  const { cluster, user, source } = target;
  const ca = await certificateOf(cluster.caData, cluster.caFile, source);
  const certificates = await certificatesOf(user, given, source);
  const config = new Config();
  config.loadFromOptions({
    clusters: [
      {
        name: CONTEXT,
        server: cluster.server,
        // The library refuses servers without TLS unless this is set; then it has no other effect.
        skipTLSVerify: cluster.skipTlsVerify || cluster.server.startsWith('http:'),
        ...(ca === null ? {} : { caData: ca }),
        ...(cluster.tlsServerName === null ? {} : { tlsServerName: cluster.tlsServerName }),
        ...(proxy === null ? {} : { proxyUrl: libraryUrlOf(proxy) }),
      },
    ],
    users: [
      {
        name: CONTEXT,
        ...certificates,
      },
    ],
    contexts: [{ name: CONTEXT, cluster: CONTEXT, user: CONTEXT }],
    currentContext: CONTEXT,
  });
  return config;
}

/** kubectl lets the proxy resolve the server's name (golang.org/x/net/proxy); the library only if it is called so. */
function libraryUrlOf({ url }: ProxyServer): string {
  return url.replace(/^socks5:/i, 'socks5h:');
}

async function certificatesOf(
  user: KubeconfigUser | null,
  { certificate, key }: ClientCertificate,
  source: string,
): Promise<Record<string, string>> {
  if (certificate !== null && key !== null) return { certData: base64(certificate), keyData: base64(key) };
  if (user === null) return {};
  const certData = await certificateOf(user.certData, user.certFile, source);
  const keyData = await certificateOf(user.keyData, user.keyFile, source);
  return { ...(certData === null ? {} : { certData }), ...(keyData === null ? {} : { keyData }) };
}

/**
 * Data goes before files (client-go clientcmd/client_config.go); the library has it the other way round, and reads files
 * in a way that stops everything else.
 */
async function certificateOf(data: string | null, file: string | null, source: string): Promise<string | null> {
  return data ?? (file === null ? null : await readCertificateFile(file, source));
}

/** PKCS #8 (RFC 5958) and the older form of OpenSSL (RFC 1421). */
const ENCRYPTED = /^-----BEGIN ENCRYPTED PRIVATE KEY-----|^Proc-Type: 4,ENCRYPTED/m;

async function dialFrom(config: KubeConfig, { source, cluster }: Target): Promise<Dial> {
  const options: RequestOptions = {};
  try {
    await config.applyToHTTPSOptions(options);
  } catch (cause) {
    if (isConnectError(cause)) throw cause;
    throw applyError(cause, source);
  }
  const { cert, key, servername } = options;
  if (key !== undefined && ENCRYPTED.test(String(key))) {
    throw new ConnectError(
      `the client key of the ${source} is encrypted, and there is nobody to ask for its passphrase; put the key there without one (\`openssl pkey\`), or use another login`,
      { reason: 'KubeconfigInvalid' },
    );
  }
  const ca = withExtra(options.ca);
  const agent = options.agent as Agent;
  correctProxyAgent(agent);
  // Both: Node reads the one, and hands the other to the sockets, before what the request says.
  Object.assign(agent, { keepAlive: true });
  Object.assign(agent.options, { keepAlive: true, ...(ca === undefined ? {} : { ca }) });
  return {
    agent,
    tls: {
      ...(ca === undefined ? {} : { ca }),
      ...(cert === undefined ? {} : { cert }),
      ...(key === undefined ? {} : { key }),
      ...(servername === undefined ? {} : { servername }),
      // Said in any case: NODE_TLS_REJECT_UNAUTHORIZED=0 is for others, and nobody would warn of it.
      rejectUnauthorized: !cluster.skipTlsVerify,
    },
  };
}

/** A CA of the kubeconfig takes the place of all that Node trusts; what the machine's owner added stays added. */
function withExtra(ca: RequestOptions['ca']): RequestOptions['ca'] {
  const extra = getCACertificates('extra');
  return ca === undefined || extra.length === 0 ? ca : [ca, extra].flat();
}

function applyError(cause: unknown, source: string): ConnectError {
  return new ConnectError(`the certificates or the proxy of the ${source} cannot be used`, {
    reason: 'KubeconfigInvalid',
    cause,
  });
}

function base64(text: string): string {
  return Buffer.from(text, 'utf8').toString('base64');
}
