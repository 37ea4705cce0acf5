import { dirname, isAbsolute, join } from 'node:path';
import { quote } from '../printable.ts';
import { isRecord } from './body.ts';
import { ConnectError } from './connect-error.ts';

/*
 * The shape of a kubeconfig (client-go tools/clientcmd/api/v1/types.go), with paths made absolute. Read here rather
 * than by the client library, which does not know `tokenFile`, groups to impersonate and exec plugins beside the file,
 * and whose merging differs from kubectl's.
 */

export interface KubeconfigCluster {
  readonly name: string;
  readonly server: string;
  readonly caData: string | null;
  readonly caFile: string | null;
  readonly tlsServerName: string | null;
  readonly skipTlsVerify: boolean;
  readonly proxyUrl: string | null;
  readonly disableCompression: boolean;
  /** The extension for exec plugins (`client.authentication.k8s.io/exec`); undefined when there is none. */
  readonly execConfig: unknown;
}

export interface ExecPlugin {
  readonly apiVersion: string;
  readonly command: string;
  readonly args: readonly string[];
  readonly env: Readonly<Record<string, string>>;
  readonly installHint: string;
  readonly provideClusterInfo: boolean;
  readonly interactiveMode: string;
}

export interface KubeconfigUser {
  readonly name: string;
  readonly certData: string | null;
  readonly certFile: string | null;
  readonly keyData: string | null;
  readonly keyFile: string | null;
  readonly token: string | null;
  readonly tokenFile: string | null;
  readonly username: string | null;
  readonly password: string | null;
  readonly exec: ExecPlugin | null;
  /** As it stands there: `auth-provider.ts` knows some. */
  readonly authProvider: unknown;
  /** `Impersonate-*`. */
  readonly impersonation: Readonly<Record<string, string | readonly string[]>>;
}

export interface KubeconfigContext {
  readonly name: string;
  readonly cluster: string;
  /** '' for none: requests without credentials. */
  readonly user: string;
}

export interface Kubeconfig {
  readonly clusters: readonly KubeconfigCluster[];
  readonly users: readonly KubeconfigUser[];
  readonly contexts: readonly KubeconfigContext[];
  readonly currentContext: string;
}

type Yaml = Readonly<Record<string, unknown>>;

/**
 * Reads the text of the file at `path`. Throws ConnectError when it is no kubeconfig; the message says where, and never
 * repeats what stands there.
 */
export async function parseKubeconfig(text: string, path: string): Promise<Kubeconfig> {
  const { load } = await import('js-yaml');
  let config: unknown;
  let problem: string | null = null;
  try {
    // YAML's own message and cause quote the lines around the mistake: those may hold a token. `json`: of a key that
    // stands there twice the last one counts, as for kubectl.
    config = text.trim() === '' ? {} : load(text, { json: true });
  } catch (error) {
    problem = whereOf(error);
  }
  if (problem === null && !isRecord(config)) problem = 'it is YAML, but no kubeconfig';
  if (problem !== null) throw unreadable(path, problem);
  const { clusters, users, contexts, 'current-context': currentContext } = config as Yaml;
  const folder = dirname(path);
  return {
    clusters: named(clusters, 'cluster', path, (name, cluster) => clusterOf(name, cluster, folder)),
    users: named(users, 'user', path, (name, user) => userOf(name, user, folder)),
    contexts: named(contexts, 'context', path, (name, context) => ({
      name,
      cluster: textOf(context.cluster) ?? '',
      user: textOf(context.user) ?? '',
    })),
    currentContext: textOf(currentContext) ?? '',
  };
}

/** As kubectl merges: the first file that has a name wins, and the first that has a current context. */
export function mergeKubeconfigs(configs: readonly Kubeconfig[]): Kubeconfig {
  return {
    clusters: firstOfEachName(configs.flatMap(({ clusters }) => clusters)),
    users: firstOfEachName(configs.flatMap(({ users }) => users)),
    contexts: firstOfEachName(configs.flatMap(({ contexts }) => contexts)),
    currentContext: configs.find(({ currentContext }) => currentContext !== '')?.currentContext ?? '',
  };
}

export function invalid(message: string): ConnectError {
  return new ConnectError(message, { reason: 'KubeconfigInvalid' });
}

function firstOfEachName<T extends { readonly name: string }>(entries: readonly T[]): readonly T[] {
  const byName = new Map<string, T>();
  for (const entry of entries) if (!byName.has(entry.name)) byName.set(entry.name, entry);
  return [...byName.values()];
}

function whereOf(error: unknown): string {
  const mark = isRecord(error) ? error.mark : undefined;
  const line = isRecord(mark) ? mark.line : undefined;
  return typeof line === 'number' ? `it is no YAML (line ${line + 1})` : 'it is no YAML';
}

/**
 * Entries without a name cannot be referred to, and are left out. A name that stands there twice is refused, as by client-go
 * (tools/clientcmd/api/v1/conversion.go): which one is meant?
 */
function named<T>(list: unknown, key: string, path: string, read: (name: string, content: Yaml) => T): readonly T[] {
  if (!Array.isArray(list)) return [];
  const names = new Set<string>();
  return list.filter(isRecord).flatMap((entry) => {
    const name = textOf(entry.name);
    if (name === null) return [];
    if (names.has(name)) throw unreadable(path, `it has two ${key}s with the name ${quote(name)}`);
    names.add(name);
    const content = entry[key];
    return [read(name, isRecord(content) ? content : {})];
  });
}

function unreadable(path: string, why: string): ConnectError {
  return invalid(`the kubeconfig ${path} cannot be read: ${why}`);
}

function clusterOf(name: string, cluster: Yaml, folder: string): KubeconfigCluster {
  const extensions = Array.isArray(cluster.extensions) ? cluster.extensions.filter(isRecord) : [];
  return {
    name,
    server: textOf(cluster.server) ?? '',
    caData: textOf(cluster['certificate-authority-data']),
    caFile: pathOf(cluster['certificate-authority'], folder),
    tlsServerName: textOf(cluster['tls-server-name']),
    skipTlsVerify: cluster['insecure-skip-tls-verify'] === true,
    proxyUrl: textOf(cluster['proxy-url']),
    disableCompression: cluster['disable-compression'] === true,
    execConfig: extensions.find((entry) => entry.name === 'client.authentication.k8s.io/exec')?.extension,
  };
}

function userOf(name: string, user: Yaml, folder: string): KubeconfigUser {
  return {
    name,
    certData: textOf(user['client-certificate-data']),
    certFile: pathOf(user['client-certificate'], folder),
    keyData: textOf(user['client-key-data']),
    keyFile: pathOf(user['client-key'], folder),
    token: textOf(user.token),
    tokenFile: pathOf(user.tokenFile, folder),
    username: textOf(user.username),
    password: textOf(user.password),
    exec: isRecord(user.exec) ? execOf(user.exec, folder) : null,
    authProvider: user['auth-provider'] ?? null,
    impersonation: impersonationOf(user),
  };
}

function execOf(exec: Yaml, folder: string): ExecPlugin {
  const command = textOf(exec.command) ?? '';
  const env = Array.isArray(exec.env) ? exec.env.filter(isRecord) : [];
  return {
    apiVersion: textOf(exec.apiVersion) ?? '',
    // A command with a slash is looked for beside the kubeconfig (client-go: ResolveLocalPaths).
    command: /[\\/]/.test(command) ? (pathOf(command, folder) ?? '') : command,
    args: textsOf(exec.args),
    env: Object.fromEntries(env.map((entry) => [textOf(entry.name) ?? '', textOf(entry.value) ?? ''])),
    installHint: textOf(exec.installHint) ?? '',
    provideClusterInfo: exec.provideClusterInfo === true,
    interactiveMode: textOf(exec.interactiveMode) ?? 'IfAvailable',
  };
}

/** client-go transport/round_trippers.go: impersonation without a user is none. */
function impersonationOf(user: Yaml): KubeconfigUser['impersonation'] {
  const as = textOf(user.as);
  if (as === null) return {};
  const headers: Record<string, string | readonly string[]> = { 'Impersonate-User': as };
  const uid = textOf(user['as-uid']);
  if (uid !== null) headers['Impersonate-Uid'] = uid;
  const groups = textsOf(user['as-groups']);
  if (groups.length > 0) headers['Impersonate-Group'] = groups;
  const extra = user['as-user-extra'];
  for (const [key, values] of Object.entries(isRecord(extra) ? extra : {})) {
    headers[`Impersonate-Extra-${encodeURIComponent(key)}`] = textsOf(values);
  }
  return headers;
}

/** null for nothing and for the empty text; YAML reads a password of digits as a number. */
function textOf(value: unknown): string | null {
  if (typeof value === 'number') return String(value);
  return typeof value === 'string' && value !== '' ? value : null;
}

function textsOf(value: unknown): readonly string[] {
  return Array.isArray(value) ? value.map((element) => textOf(element) ?? '') : [];
}

function pathOf(value: unknown, folder: string): string | null {
  const path = textOf(value);
  return path === null || isAbsolute(path) ? path : join(folder, path);
}
