import { type Agent, type RequestOptions, request } from 'node:https';
import { KubeConfig } from '@kubernetes/client-node/dist/config.js';
import type { KubeObject } from '../simulator/objects.ts';

export interface Answer {
  readonly status: number;
  readonly body: string;
}

/** What a scenario writes down of an object; the API server adds the rest. */
export interface Manifest {
  readonly apiVersion: string;
  readonly kind: string;
  readonly metadata: { readonly name: string; readonly namespace?: string; readonly [field: string]: unknown };
  readonly [field: string]: unknown;
}

/** An API server, as whoever a kubeconfig says. Every call but `request` rejects when the answer is no success. */
export interface Api {
  /** Address of the API server. */
  readonly server: string;
  /** Sends one request and returns whatever comes back. */
  readonly request: (method: string, path: string, body?: unknown, contentType?: string) => Promise<Answer>;
  readonly get: <T = KubeObject>(path: string) => Promise<T>;
  /** The items of a list, all at once. */
  readonly list: <T = KubeObject>(path: string) => Promise<readonly T[]>;
  readonly create: <T = KubeObject>(path: string, body: unknown) => Promise<T>;
  /** Server-side apply of the whole object. */
  readonly apply: (manifest: Manifest) => Promise<void>;
  /** JSON merge patch (RFC 7386). */
  readonly patch: <T = KubeObject>(path: string, body: unknown) => Promise<T>;
  /** What is not there counts as deleted. */
  readonly remove: (path: string, options?: object) => Promise<void>;
  readonly close: () => void;
}

const REQUEST_TIMEOUT_MS = 30_000;

/** The API server of `kubeconfig`'s current context. */
export function connectApi(kubeconfig: string): Api {
  const config = new KubeConfig();
  config.loadFromFile(kubeconfig);
  const server = config.getCurrentCluster()?.server;
  if (server === undefined) throw new Error(`${kubeconfig} names no cluster in its current context`);
  let agent: Agent | undefined;

  const send = async (method: string, path: string, body?: unknown, contentType = 'application/json') => {
    const options: RequestOptions = { method, timeout: REQUEST_TIMEOUT_MS };
    await config.applyToHTTPSOptions(options);
    // One agent for all: the library makes a new one, and so a new connection, for every request.
    agent ??= options.agent as Agent;
    agent.options.keepAlive = true;
    const text = body === undefined ? '' : JSON.stringify(body);
    const headers = { ...options.headers, 'content-type': contentType, 'content-length': Buffer.byteLength(text) };
    return await roundTrip(new URL(path, server), { ...options, agent, headers }, text);
  };
  const succeed = async <T>(method: string, path: string, body?: unknown, contentType?: string): Promise<T> => {
    const answer = await send(method, path, body, contentType);
    if (answer.status >= 300) throw refused(method, path, answer);
    return JSON.parse(answer.body) as T;
  };

  return {
    server,
    request: send,
    get: async (path) => await succeed('GET', path),
    list: async <T>(path: string) => (await succeed<{ readonly items: readonly T[] }>('GET', path)).items,
    create: async (path, body) => await succeed('POST', path, body),
    apply: async (manifest) => {
      const query = '?fieldManager=e2e&force=true';
      await succeed('PATCH', `${pathOf(manifest)}${query}`, manifest, 'application/apply-patch+yaml');
    },
    patch: async (path, body) => await succeed('PATCH', path, body, 'application/merge-patch+json'),
    remove: async (path, options) => {
      const answer = await send('DELETE', path, options);
      if (answer.status >= 300 && answer.status !== 404) throw refused('DELETE', path, answer);
    },
    close: () => agent?.destroy(),
  };
}

function refused(method: string, path: string, { status, body }: Answer): Error {
  return new Error(`${method} ${path} was answered ${status}: ${body.slice(0, 500)}`);
}

async function roundTrip(url: URL, options: RequestOptions, text: string): Promise<Answer> {
  return await new Promise((resolve, reject) => {
    const sent = request(url, options, (response) => {
      const pieces: Buffer[] = [];
      response.on('data', (piece: Buffer) => pieces.push(piece));
      response.on('error', reject);
      response.on('end', () => {
        resolve({ status: response.statusCode ?? 0, body: Buffer.concat(pieces).toString('utf8') });
      });
    });
    sent.on('timeout', () => sent.destroy(new Error(`${options.method} ${url.pathname}: no answer`)));
    sent.on('error', reject);
    sent.end(text);
  });
}

/** Plurals of the kinds that scenarios make, which are not simply the kind with an s. */
const IRREGULAR: Readonly<Record<string, string>> = { NetworkPolicy: 'networkpolicies' };

/** Kinds without a namespace. */
const CLUSTER_WIDE: ReadonlySet<string> = new Set([
  'Namespace',
  'Node',
  'ClusterRole',
  'ClusterRoleBinding',
  'CustomResourceDefinition',
  'ClusterInformation',
  'PriorityClass',
]);

/** The path of one object. */
export function pathOf({ apiVersion, kind, metadata }: Manifest): string {
  const plural = IRREGULAR[kind] ?? `${kind.toLowerCase()}s`;
  const root = apiVersion.includes('/') ? `/apis/${apiVersion}` : `/api/${apiVersion}`;
  const scope = CLUSTER_WIDE.has(kind) ? '' : `/namespaces/${metadata.namespace ?? 'default'}`;
  return `${root}${scope}/${plural}/${metadata.name}`;
}
