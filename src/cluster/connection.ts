import { type Clock, sleep, systemClock } from '../clock.ts';
import { ConnectError, isConnectError } from './connect-error.ts';
import { warningsAboutAge } from './credential-age.ts';
import { createCredentialSource } from './credentials.ts';
import { createDialer } from './dialer.ts';
import { createHttpsTransport } from './https-transport.ts';
import { findTarget, type SourceOptions, type Target } from './kubeconfig-source.ts';
import { findOwnPod, type OwnPod } from './own-pod.ts';
import { proxyFor } from './proxy.ts';
import type { Transport } from './transport.ts';
import { unlessAborted } from './unless-aborted.ts';

export interface ConnectOptions extends SourceOptions {
  /** Default: this machine's. */
  readonly clock?: Clock;
  /** Told each secret once, before anything is tried with it: the kubeconfig's first, and new ones whenever they come. */
  readonly mask?: (secret: string) => void;
}

/** A cluster, and how to talk to it. */
export interface Connection {
  readonly transport: Transport;
  /** The server's URL as the kubeconfig has it. */
  readonly server: string;
  /** Name of the context; '' for the in-cluster service account. */
  readonly context: string;
  /** Where it came from, for people: `kubeconfig /home/me/.kube/config`, `in-cluster service account`. */
  readonly source: string;
  /**
   * Obtains credentials anew (exec plugin, token file, certificate files); parallel calls share one renewal. Rejects
   * with ConnectError when none can be had. Does nothing for credentials that cannot change.
   */
  readonly renewCredentials: () => Promise<void>;
  /** Sentences for the report: certificates that are not checked, a server without TLS, credentials that have expired. */
  readonly warnings: readonly string[];
  /** Name of the node that the gate itself runs on, where the pod's environment tells it (`NODE_NAME`); else null. */
  readonly runsOnNode: string | null;
  /** The pod that it runs in, whose node the picture may show; null: none. */
  readonly runsInPod: OwnPod | null;
  /**
   * Tokens, passwords and keys so far, one by one (keys of several lines as a whole): what `mask` was told.
   */
  readonly secrets: () => readonly string[];
  /** Ends all connections that are kept alive, and a plugin that runs. */
  readonly close: () => void;
}

/** Masking a shorter text would black out words of the log, and make the runner drop outputs that contain it. */
const SHORTEST_SECRET = 6;

/**
 * Finds the cluster, and obtains the first credentials; asks nothing of the API server yet. `signal` ends a plugin that
 * runs, now and later. Rejects with ConnectError, whose message says what was tried and what to do.
 */
export async function connect(options: ConnectOptions, signal: AbortSignal): Promise<Connection> {
  const { env, clock = systemClock } = options;
  const secrets = new Set<string>();
  const mask = (secret: string): void => {
    if (secret.length < SHORTEST_SECRET || secrets.has(secret)) return;
    secrets.add(secret);
    options.mask?.(secret);
  };
  // A kubeconfig may be a pipe that nobody writes to.
  const target = await beforeTheEnd(findTarget(options), 'the kubeconfig had not been read', signal);
  const server = serverOf(target);
  const runsInPod = await unlessAborted(findOwnPod(env, options.serviceAccountFolder), signal);
  const end = new AbortController();
  const ending = AbortSignal.any([signal, end.signal]);
  const credentials = createCredentialSource({ target, env, clock, mask, signal: ending });
  const proxy = proxyFor(server, target.cluster.proxyUrl, env);
  for (const secret of proxy?.secrets ?? []) mask(secret);
  const dialer = createDialer(target, proxy, mask);
  const dial = async () => {
    const current = await credentials.current();
    return { credentials: current, dial: await dialer.dial(current) };
  };
  // Before anything is printed: whoever prints has to know what to mask.
  const first = await beforeTheEnd(dial(), 'there were no credentials yet', signal);

  return {
    transport: createHttpsTransport({
      server,
      dial,
      proxy: proxy?.name ?? null,
      compress: !target.cluster.disableCompression,
    }),
    server: target.cluster.server,
    context: target.context,
    source: target.source,
    renewCredentials: async () => {
      dialer.renew();
      await credentials.renew();
    },
    warnings: [
      ...warningsAbout(target, server),
      ...warningsAboutAge(first, target.user, clock.wallMs()),
      ...credentials.warnings(),
    ],
    runsOnNode: env.KUBERNETES_SERVICE_HOST ? env.NODE_NAME || env.KUBERNETES_NODE_NAME || null : null,
    runsInPod,
    secrets: () => [...secrets],
    close: () => {
      end.abort();
      dialer.close();
    },
  };
}

/** Whoever is working on it hears of the end as well, and may say more of it. */
const LAST_WORDS_MS = 50;

/** What `work` comes to; when the run ends before, its own last words, or else that `what` at that moment. */
async function beforeTheEnd<T>(work: Promise<T>, what: string, signal: AbortSignal): Promise<T> {
  try {
    return await unlessAborted(work, signal);
  } catch (error) {
    if (!signal.aborted || isConnectError(error)) throw error;
    const lastWords = work.then(
      () => null,
      (rejection: unknown) => rejection,
    );
    const said = await Promise.race([lastWords, sleep(systemClock, LAST_WORDS_MS)]);
    if (isConnectError(said)) throw said;
    const message = `${what} when the run ended; a file, pipe or program that the kubeconfig names may not answer`;
    throw new ConnectError(message, { reason: 'CredentialsFailed', cause: error });
  }
}

function serverOf({ cluster, source }: Target): URL {
  const url = URL.canParse(cluster.server) ? new URL(cluster.server) : null;
  // It is shown to people: a user, a password or a query in it might be a secret, and no client sends them.
  const isPlain = url !== null && `${url.username}${url.password}${url.search}${url.hash}` === '';
  if (isPlain && (url.protocol === 'https:' || url.protocol === 'http:')) return url;
  throw new ConnectError(
    `the server of the ${source} is no URL of an API server; it must begin with https:// and name a host, and hold no credentials and no query`,
    { reason: 'KubeconfigInvalid' },
  );
}

function warningsAbout({ cluster }: Target, server: URL): readonly string[] {
  if (server.protocol === 'http:')
    return ['the API server is asked without TLS: everybody on the way can read and change what is said'];
  if (!cluster.skipTlsVerify) return [];
  return [
    "the kubeconfig has insecure-skip-tls-verify: the API server's certificate is not checked, and credentials may go to somebody else",
  ];
}
