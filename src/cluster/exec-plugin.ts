import { type ChildProcessByStdio, spawn } from 'node:child_process';
import { existsSync } from 'node:fs';
import { delimiter, join } from 'node:path';
import type { Readable } from 'node:stream';
import type { Clock } from '../clock.ts';
import { quote } from '../printable.ts';
import { isRecord } from './body.ts';
import { capText } from './cap-text.ts';
import { ConnectError } from './connect-error.ts';
import { execInfo } from './exec-info.ts';
import type { ExecPlugin, KubeconfigCluster } from './kubeconfig.ts';
import { secretsOfPlugin } from './kubeconfig-secrets.ts';
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
/** What a plugin leaves running (an agent, a cache) may hold its output open: what it printed itself has come by then. */
export const LAST_OUTPUT_MS = 1_000;
/** Tokens have a few kB. */
const OUTPUT_LIMIT_BYTES = 1024 * 1024;
/** Enough for the sentence of an error and the command that helps. */
const WORDS_LIMIT = 600;

/**
 * Runs the plugin once, without a terminal, and reads the credential that it prints. Rejects with ConnectError: plugin
 * missing (with the kubeconfig's `installHint`), failed (with what it said, credentials removed), too slow, or nothing
 * usable printed. The process and its children are gone afterwards.
 */
export async function runExecPlugin(options: ExecOptions): Promise<ExecCredential> {
  const { plugin, user } = options;
  const name = `exec plugin ${quote(plugin.command)} of user ${quote(user)}`;
  if (plugin.command === '') throw failed(`${name} has no command: repair the kubeconfig`);
  if (plugin.interactiveMode === 'Always') {
    throw failed(`${name} asks for a terminal (interactiveMode: Always), and there is none: use another login for CI`);
  }
  const output = await run(options, name, await execInfo(plugin, options.cluster));
  return credentialOf(output, plugin, name);
}

function failed(message: string, cause?: unknown): ConnectError {
  return new ConnectError(message, { reason: 'CredentialsFailed', ...(cause === undefined ? {} : { cause }) });
}

/** Processes have groups of their own: what a plugin started ends with it. */
const CAN_GROUP = process.platform !== 'win32';

function start(
  { plugin, env }: ExecOptions,
  name: string,
  info: string,
): ChildProcessByStdio<null, Readable, Readable> {
  const options = {
    env: { ...env, ...plugin.env, KUBERNETES_EXEC_INFO: info },
    detached: CAN_GROUP,
    windowsHide: true,
  };
  try {
    return spawn(plugin.command, plugin.args, { ...options, stdio: ['ignore', 'pipe', 'pipe'] });
  } catch (error) {
    // Too long, or with a zero byte. Node's own words, and so the error as a cause, repeat the argument.
    throw failed(`${name} cannot be started: ${(error as NodeJS.ErrnoException).code}`);
  }
}

function run(options: ExecOptions, name: string, info: string): Promise<string> {
  const { plugin, clock, signal } = options;
  return new Promise((resolve, reject) => {
    if (signal.aborted) {
      reject(failed(`${name} was not run: the run ends`));
      return;
    }
    const child = start(options, name, info);
    let output = '';
    let words = '';
    const whatItSaid = (): string => inShort(redact(words, [...secretsOfPlugin(plugin), ...secretsIn(output)]));
    let cancelLast = (): void => {};
    const end = (finish: () => void): void => {
      cancelTimer();
      cancelLast();
      signal.removeEventListener('abort', onAbort);
      finish();
    };
    const kill = (): void => {
      try {
        if (CAN_GROUP && child.pid !== undefined) process.kill(-child.pid, 'SIGKILL');
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
    const onAbort = (): void =>
      giveUp(`${name} had not finished when the run ended, and was stopped; ${WAITS_FOR_SOMEBODY}${whatItSaid()}`);
    const cancelTimer = clock.after(EXEC_TIMEOUT_MS, () =>
      giveUp(`${name} did not finish within ${EXEC_TIMEOUT_MS / 1_000} s; ${WAITS_FOR_SOMEBODY}${whatItSaid()}`),
    );
    signal.addEventListener('abort', onAbort, { once: true });

    child.stdout.setEncoding('utf8').on('data', (data: string) => {
      output += data;
      if (output.length > OUTPUT_LIMIT_BYTES) giveUp(`${name} printed more than any credential has`);
    });
    child.stderr.setEncoding('utf8').on('data', (data: string) => {
      words = (words + data).slice(-OUTPUT_LIMIT_BYTES);
    });
    child.on('error', (cause: NodeJS.ErrnoException) => end(() => reject(notStarted(cause, options, name))));
    const onEnd = (code: number | null, killedBy: string | null): void => {
      const how = code === null ? `was killed by ${killedBy}` : `failed with exit code ${code}`;
      end(() => (code === 0 ? resolve(output) : reject(failed(`${name} ${how}${whatItSaid()}`))));
    };
    child.on('close', onEnd);
    child.on('exit', (code, killedBy) => {
      cancelLast = clock.after(LAST_OUTPUT_MS, () => {
        child.stdout.destroy();
        child.stderr.destroy();
        onEnd(code, killedBy);
      });
    });
  });
}

const WAITS_FOR_SOMEBODY = 'it may be waiting for a terminal, a browser or the network: log in before this step';

function notStarted(cause: NodeJS.ErrnoException, { plugin, env }: ExecOptions, name: string): ConnectError {
  if (cause.code !== 'ENOENT') return failed(`${name} cannot be started: ${cause.code}`, cause);
  if (isThere(plugin, env)) {
    return failed(`${name} cannot be started: it is there, but not the program that its first line names`, cause);
  }
  const hint = plugin.installHint.trim();
  const fix =
    hint === '' ? 'install it in a step before this one, or log in with another method' : capText(hint, WORDS_LIMIT);
  return failed(`${name} is not there: ${fix}`, cause);
}

/** For a script whose interpreter is missing, too, Node says that there is no such file. */
function isThere({ command, env: own }: ExecPlugin, env: ExecOptions['env']): boolean {
  if (/[\\/]/.test(command)) return existsSync(command);
  const folders = (own.PATH ?? env.PATH ?? '').split(delimiter);
  return folders.some((folder) => folder !== '' && existsSync(join(folder, command)));
}

/** What klog puts before a line. */
const KLOG_HEADER = /^[IWEF]\d{4} [\d:.]+ +\d+ \S+\] /gm;

/** Its beginning and its end: some plugins name what went wrong in their first line, others in their last. */
function inShort(words: string): string {
  const line = words.replaceAll(KLOG_HEADER, '').replaceAll(/\s+/g, ' ').trim();
  if (line === '') return '';
  const characters = [...line];
  if (characters.length <= WORDS_LIMIT) return `: ${line}`;
  const [head, tail] = [characters.slice(0, WORDS_LIMIT / 2), characters.slice(-WORDS_LIMIT / 2)];
  return `: ${head.join('')} … ${tail.join('')}`;
}

/** Credentials that were printed before it failed. */
function secretsIn(output: string): readonly string[] {
  const status = statusIn(parse(output));
  return [status.token, status.clientKeyData].filter((secret) => typeof secret === 'string');
}

function statusIn(credential: unknown): Readonly<Record<string, unknown>> {
  return isRecord(credential) && isRecord(credential.status) ? credential.status : {};
}

/** Whatever else stands there may be a credential in the wrong place. */
const VERSION = /^client\.authentication\.k8s\.io\/v\d\w*$/;

function credentialOf(output: string, plugin: ExecPlugin, name: string): ExecCredential {
  const credential = parse(output);
  if (!isRecord(credential) || credential.kind !== 'ExecCredential') {
    throw failed(`${name} printed no ExecCredential: it must print JSON on stdout, and nothing else`);
  }
  if (plugin.apiVersion !== '' && credential.apiVersion !== plugin.apiVersion) {
    const version = textOf(credential.apiVersion) ?? '';
    const shown = VERSION.test(version) ? `apiVersion ${quote(version)}` : 'no apiVersion of an ExecCredential';
    throw failed(
      `${name} answered with ${shown}, the kubeconfig asks for ${quote(plugin.apiVersion)}: update one of the two`,
    );
  }
  const status = statusIn(credential);
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
