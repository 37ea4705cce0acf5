import { delimiter, join } from 'node:path';
import { looksLikeKubeconfigContent, PASTED_KUBECONFIG } from '../kubeconfig-path.ts';
import { quote } from '../printable.ts';
import { ConnectError } from './connect-error.ts';
import {
  invalid,
  type Kubeconfig,
  type KubeconfigCluster,
  type KubeconfigUser,
  mergeKubeconfigs,
  parseKubeconfig,
} from './kubeconfig.ts';
import { readSmallFile } from './small-file.ts';

type Env = Readonly<Record<string, string | undefined>>;

/** Where a kubelet mounts a pod's service account (`token`, `ca.crt`, `namespace`). */
export const SERVICE_ACCOUNT_FOLDER = '/var/run/secrets/kubernetes.io/serviceaccount';

/** The cluster and user to talk with, and where they came from. */
export interface Target {
  readonly cluster: KubeconfigCluster;
  /** null: requests without credentials. */
  readonly user: KubeconfigUser | null;
  /** '' for the in-cluster service account. */
  readonly context: string;
  /** For people. */
  readonly source: string;
}

export interface SourceOptions {
  readonly kubeconfig: string | null;
  readonly context: string | null;
  readonly env: Env;
  readonly serviceAccountFolder?: string;
}

/** More names than these are not listed. */
const SHOWN_CONTEXTS = 20;

/**
 * Finds the cluster: the given file; else `KUBECONFIG` (a list of files, merged); else `~/.kube/config`; else the
 * in-cluster service account. Throws ConnectError that lists what was tried: never a silent `localhost:8080`.
 */
export async function findTarget(options: SourceOptions): Promise<Target> {
  const { kubeconfig, env } = options;
  if (kubeconfig !== null) {
    const config = await readAll([kubeconfig]);
    if (config === null) throw notFound([`kubeconfig ${quote(kubeconfig)}: there is no such file`]);
    return chosen(config, options, `kubeconfig ${kubeconfig}`);
  }
  const list = env.KUBECONFIG ?? '';
  if (list !== '') return fromList(list, options);

  const home = env.HOME ?? env.USERPROFILE ?? '';
  const usual = join(home, '.kube', 'config');
  const config = home === '' ? null : await readAll([usual]);
  if (config !== null && config.contexts.length > 0) return chosen(config, options, `kubeconfig ${usual}`);
  const atHome = config === null ? `${usual}: there is no such file` : `${usual}: it has no contexts`;

  const account = await inCluster(env, options.serviceAccountFolder ?? SERVICE_ACCOUNT_FOLDER);
  if (typeof account === 'string') {
    throw notFound(['KUBECONFIG: not set', home === '' ? '~/.kube/config: HOME is not set' : atHome, account]);
  }
  if (options.context !== null) throw unknownContext(options.context, [], account.source);
  return account;
}

async function fromList(list: string, options: SourceOptions): Promise<Target> {
  if (looksLikeKubeconfigContent(list)) throw invalid(`KUBECONFIG ${PASTED_KUBECONFIG}`);
  const config = await readAll(list.split(delimiter).filter((path) => path !== ''));
  // kubectl skips files that are missing, too; going on with all of them missing might ask the wrong cluster.
  if (config === null) throw notFound([`KUBECONFIG=${quote(list)}: none of its files is there`]);
  return chosen(config, options, `kubeconfig ${list} (KUBECONFIG)`);
}

function notFound(tried: readonly string[]): ConnectError {
  return new ConnectError(
    `no kubeconfig found; tried: ${tried.join('; ')}. Set \`kubeconfig\` or KUBECONFIG to the path of a file (a login step before this one may write it)`,
    { reason: 'KubeconfigNotFound' },
  );
}

/** null when none of the files is there. */
async function readAll(paths: readonly string[]): Promise<Kubeconfig | null> {
  const configs: Kubeconfig[] = [];
  for (const path of paths) {
    const text = await readIfThere(path);
    if (text !== null) configs.push(await parseKubeconfig(text, path));
  }
  return configs.length === 0 ? null : mergeKubeconfigs(configs);
}

/** Those of hundreds of clusters have some megabytes. */
const KUBECONFIG_LIMIT_BYTES = 16 * 1024 * 1024;

/** null when there is no such file; rejects with ConnectError when it cannot be read. */
async function readIfThere(path: string): Promise<string | null> {
  try {
    return await readSmallFile(path, KUBECONFIG_LIMIT_BYTES);
  } catch (cause) {
    const { code, message } = cause as NodeJS.ErrnoException;
    if (code === 'ENOENT' || code === 'ENOTDIR') return null;
    throw new ConnectError(`the kubeconfig ${path} cannot be read: ${code ?? message}`, {
      reason: 'KubeconfigInvalid',
      cause,
    });
  }
}

function chosen(config: Kubeconfig, { context: wanted }: SourceOptions, source: string): Target {
  const names = config.contexts.map((entry) => entry.name);
  if (wanted === null && config.currentContext === '') {
    const fix = names.length === 0 ? 'it has no contexts' : `set \`context\` to ${listOf(names)}`;
    throw new ConnectError(`the ${source} has no current context; ${fix}`, { reason: 'ContextNotFound' });
  }
  const name = wanted ?? config.currentContext;
  const context = config.contexts.find((candidate) => candidate.name === name);
  if (context === undefined) throw unknownContext(name, names, source);
  const cluster = config.clusters.find((candidate) => candidate.name === context.cluster);
  if (cluster === undefined || cluster.server === '') {
    const what = cluster === undefined ? 'which it does not have' : 'which has no server';
    throw invalid(`the ${source} has a context ${quote(name)} with the cluster ${quote(context.cluster)}, ${what}`);
  }
  const user = config.users.find((candidate) => candidate.name === context.user) ?? null;
  if (user === null && context.user !== '') {
    throw invalid(
      `the ${source} has a context ${quote(name)} with the user ${quote(context.user)}, which it does not have`,
    );
  }
  return { cluster, user, context: name, source };
}

function unknownContext(name: string, names: readonly string[], source: string): ConnectError {
  return new ConnectError(`the ${source} has no context ${quote(name)}; it has ${listOf(names)}`, {
    reason: 'ContextNotFound',
  });
}

function listOf(names: readonly string[]): string {
  if (names.length === 0) return 'no contexts';
  const shown = names.slice(0, SHOWN_CONTEXTS).map(quote).join(', ');
  return names.length > SHOWN_CONTEXTS ? `${shown} and ${names.length - SHOWN_CONTEXTS} more` : shown;
}

/** What `rest.InClusterConfig` does; or what is missing for it. */
async function inCluster(env: Env, folder: string): Promise<Target | string> {
  const { KUBERNETES_SERVICE_HOST: host = '', KUBERNETES_SERVICE_PORT: port = '' } = env;
  if (host === '' || port === '') return 'in-cluster service account: this does not run in a pod of a cluster';
  const tokenFile = join(folder, 'token');
  if ((await readIfThere(tokenFile)) === null) return `in-cluster service account: there is no ${tokenFile}`;
  const server = `https://${host.includes(':') ? `[${host}]` : host}:${port}`;
  return {
    cluster: {
      name: 'in-cluster',
      server,
      caData: null,
      caFile: join(folder, 'ca.crt'),
      tlsServerName: null,
      skipTlsVerify: false,
      proxyUrl: null,
      disableCompression: false,
      execConfig: undefined,
    },
    user: {
      name: 'in-cluster',
      certData: null,
      certFile: null,
      keyData: null,
      keyFile: null,
      token: null,
      tokenFile,
      username: null,
      password: null,
      exec: null,
      authProvider: null,
      impersonation: {},
    },
    context: '',
    source: 'in-cluster service account',
  };
}
