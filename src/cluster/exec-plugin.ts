import { spawn } from 'node:child_process';
import type { Clock } from '../clock.ts';
import { quote } from '../printable.ts';
import { isRecord } from './body.ts';
import { capText } from './cap-text.ts';
import { ConnectError } from './connect-error.ts';
import type { ExecPlugin, KubeconfigCluster } from './kubeconfig.ts';
import { redact } from './redact.ts';

/** What an exec plugin gave (client.authentication.k8s.io ExecCredential). */
export interface ExecCredential {
  readonly token: string | null;
  /** PEM. */
  readonly certificate: string | null;
  readonly key: string | null;
  /** On the clock of this machine; null: until the server refuses it. */
  readonly expiresAtMs: number | null;
}

export interface ExecOptions {
  readonly plugin: ExecPlugin;
  /** Of whom the kubeconfig speaks, for messages. */
  readonly user: string;
  readonly cluster: KubeconfigCluster;
  readonly env: Readonly<Record<string, string | undefined>>;
  readonly clock: Clock;
  readonly signal: AbortSignal;
}

/** A plugin that needs longer waits for somebody at a terminal or in a browser. */
export const EXEC_TIMEOUT_MS = 30_000;
/** Tokens have a few kB. */
const OUTPUT_LIMIT_BYTES = 1024 * 1024;
/** The last words of a plugin that failed. */
const WORDS_LIMIT_BYTES = 400;
const WORDS_LINES = 3;

/**
 * Runs the plugin once, without a terminal, and reads the credential that it prints. Rejects with ConnectError: plugin
 * missing (with the kubeconfig's `installHint`), failed (with its last words, credentials removed), too slow, or nothing
 * usable printed. The process and its children are gone afterwards.
 */
export async function runExecPlugin(options: ExecOptions): Promise<ExecCredential> {
  const { plugin, user } = options;
  const name = `exec plugin ${quote(plugin.command)} of user ${quote(user)}`;
  if (plugin.command === '') throw failed(`${name} has no command: repair the kubeconfig`);
  if (plugin.interactiveMode === 'Always') {
    throw failed(`${name} asks for a terminal (interactiveMode: Always), and there is none: use another login for CI`);
  }
  const output = await run(options, name);
  return credentialOf(output, plugin, name);
}

function failed(message: string, cause?: unknown): ConnectError {
  return new ConnectError(message, { reason: 'CredentialsFailed', ...(cause === undefined ? {} : { cause }) });
}

function run({ plugin, cluster, env, clock, signal }: ExecOptions, name: string): Promise<string> {
  return new Promise((resolve, reject) => {
    if (signal.aborted) {
      reject(failed(`${name} was not run: the run ends`));
      return;
    }
    const canGroup = process.platform !== 'win32';
    const child = spawn(plugin.command, plugin.args, {
      env: { ...env, ...plugin.env, KUBERNETES_EXEC_INFO: execInfo(plugin, cluster) },
      stdio: ['ignore', 'pipe', 'pipe'],
      // A group of its own, so that what it started ends with it.
      detached: canGroup,
      windowsHide: true,
    });
    let output = '';
    let words = '';
    const end = (finish: () => void): void => {
      cancelTimer();
      signal.removeEventListener('abort', onAbort);
      finish();
    };
    const kill = (): void => {
      try {
        if (canGroup && child.pid !== undefined) process.kill(-child.pid, 'SIGKILL');
        else child.kill('SIGKILL');
      } catch {
        // It ended by itself in this moment.
      }
      child.stdout.destroy();
      child.stderr.destroy();
    };
    const giveUp = (message: string): void => {
      kill();
      end(() => reject(failed(message)));
    };
    const onAbort = (): void => giveUp(`${name} was stopped: the run ends`);
    const cancelTimer = clock.after(EXEC_TIMEOUT_MS, () =>
      giveUp(
        `${name} did not finish within ${EXEC_TIMEOUT_MS / 1_000} s; it may be waiting for a terminal, a browser or the network: log in before this step${lastWords(words)}`,
      ),
    );
    signal.addEventListener('abort', onAbort, { once: true });

    child.stdout.setEncoding('utf8').on('data', (data: string) => {
      output += data;
      if (output.length > OUTPUT_LIMIT_BYTES) giveUp(`${name} printed more than any credential has`);
    });
    child.stderr.setEncoding('utf8').on('data', (data: string) => {
      words = (words + data).slice(-OUTPUT_LIMIT_BYTES);
    });
    child.on('error', (cause: NodeJS.ErrnoException) => end(() => reject(notStarted(cause, plugin, name))));
    child.on('close', (code, killedBy) => {
      const how = code === null ? `was killed by ${killedBy}` : `failed with exit code ${code}`;
      end(() => (code === 0 ? resolve(output) : reject(failed(`${name} ${how}${lastWords(words)}`))));
    });
  });
}

/** As client-go (plugin/pkg/client/auth/exec): always the mode, and the cluster where the plugin asked for it. */
function execInfo(plugin: ExecPlugin, cluster: KubeconfigCluster): string {
  const info = {
    server: cluster.server,
    ...(cluster.tlsServerName === null ? {} : { 'tls-server-name': cluster.tlsServerName }),
    ...(cluster.skipTlsVerify ? { 'insecure-skip-tls-verify': true } : {}),
    ...(cluster.caData === null ? {} : { 'certificate-authority-data': cluster.caData }),
    ...(cluster.proxyUrl === null ? {} : { 'proxy-url': cluster.proxyUrl }),
    ...(cluster.disableCompression ? { 'disable-compression': true } : {}),
    ...(cluster.execConfig === undefined ? {} : { config: cluster.execConfig }),
  };
  return JSON.stringify({
    apiVersion: plugin.apiVersion,
    kind: 'ExecCredential',
    spec: { interactive: false, ...(plugin.provideClusterInfo ? { cluster: info } : {}) },
  });
}

function notStarted(cause: NodeJS.ErrnoException, plugin: ExecPlugin, name: string): ConnectError {
  if (cause.code !== 'ENOENT') return failed(`${name} cannot be started: ${cause.code}`, cause);
  const hint = plugin.installHint.trim();
  const fix =
    hint === ''
      ? 'install it in a step before this one, or log in with another method'
      : capText(hint, WORDS_LIMIT_BYTES);
  return failed(`${name} is not there: ${fix}`, cause);
}

function lastWords(words: string): string {
  const lines = words.split(/[\r\n]+/).filter((line) => line.trim() !== '');
  const last = redact(lines.slice(-WORDS_LINES).join(' ')).trim();
  return last === '' ? '' : `: ${capText(last, WORDS_LIMIT_BYTES)}`;
}

function credentialOf(output: string, plugin: ExecPlugin, name: string): ExecCredential {
  const credential = parse(output);
  if (!isRecord(credential) || credential.kind !== 'ExecCredential') {
    throw failed(`${name} printed no ExecCredential: it must print JSON on stdout, and nothing else`);
  }
  if (plugin.apiVersion !== '' && credential.apiVersion !== plugin.apiVersion) {
    const version = quote(String(credential.apiVersion));
    throw failed(
      `${name} answered with apiVersion ${version}, the kubeconfig asks for ${quote(plugin.apiVersion)}: update one of the two`,
    );
  }
  const status = isRecord(credential.status) ? credential.status : {};
  const token = textOf(status.token);
  const certificate = textOf(status.clientCertificateData);
  const key = textOf(status.clientKeyData);
  if ((certificate === null) !== (key === null))
    throw failed(`${name} printed a client certificate and key of which one is missing`);
  if (token === null && certificate === null) throw failed(`${name} printed neither a token nor a client certificate`);
  const expiresAtMs = Date.parse(textOf(status.expirationTimestamp) ?? '');
  return { token, certificate, key, expiresAtMs: Number.isNaN(expiresAtMs) ? null : expiresAtMs };
}

/** null for what is no JSON; what it is instead may hold a token, and is told to nobody. */
function parse(output: string): unknown {
  try {
    return JSON.parse(output);
  } catch {
    return null;
  }
}

function textOf(value: unknown): string | null {
  return typeof value === 'string' && value.trim() !== '' ? value.trim() : null;
}
