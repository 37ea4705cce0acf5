import { readFileSync } from 'node:fs';
import type { Clock } from '../clock.ts';
import { quote } from '../printable.ts';
import { ConnectError } from './connect-error.ts';
import { type ExecCredential, type ExecOptions, runExecPlugin } from './exec-plugin.ts';
import type { KubeconfigUser } from './kubeconfig.ts';
import type { Target } from './kubeconfig-source.ts';

/** What is sent along with a request. */
export interface Credentials {
  readonly headers: Readonly<Record<string, string | readonly string[]>>;
  /** PEM of a client certificate that a plugin gave; those of the kubeconfig are not here. */
  readonly certificate: string | null;
  readonly key: string | null;
}

/** The credentials of one user, renewed when they are about to expire. */
export interface CredentialSource {
  /** Those to use now. Rejects with ConnectError when there are none. Parallel calls share one renewal. */
  readonly current: () => Promise<Credentials>;
  /** Obtains new ones whatever the present ones are. */
  readonly renew: () => Promise<void>;
  /** Texts to mask, of all credentials so far. */
  readonly secrets: () => readonly string[];
}

export interface CredentialOptions extends Omit<ExecOptions, 'plugin' | 'user' | 'cluster'> {
  readonly target: Target;
}

/** A token file is read again after so long (client-go transport/token_source.go: one minute). */
const TOKEN_FILE_MS = 60_000;
/** Credentials that expire sooner are renewed before they are used; of short-lived ones the last fifth. */
const RENEW_AHEAD_MS = 60_000;
const RENEW_AHEAD_SHARE = 0.2;

/** What was obtained, and until when it may be used. */
interface Obtained {
  readonly credentials: Credentials;
  readonly secrets: readonly string[];
  /** Wall ms; null: until it is refused. */
  readonly renewAtMs: number | null;
  readonly expiresAtMs: number | null;
}

/** Plugin, token file, token, or user and password, in this order of precedence; else nothing but impersonation. */
export function createCredentialSource(options: CredentialOptions): CredentialSource {
  const { target, clock } = options;
  const { user } = target;
  const secrets = new Set<string>();
  let present: Obtained | null = null;
  let renewal: Promise<Obtained> | null = null;

  const obtain = async (): Promise<Obtained> => {
    try {
      const obtained = user === null ? ofNobody() : await obtainFor(user, options);
      for (const secret of obtained.secrets) secrets.add(secret);
      present = obtained;
      return obtained;
    } finally {
      renewal = null;
    }
  };
  const renewed = (): Promise<Obtained> => {
    renewal ??= obtain();
    return renewal;
  };

  return {
    current: async () => {
      const now = clock.wallMs();
      if (present === null) return (await renewed()).credentials;
      if (present.renewAtMs === null || now < present.renewAtMs) return present.credentials;
      const { expiresAtMs, credentials } = present;
      try {
        return (await renewed()).credentials;
      } catch (error) {
        // Renewed ahead of time: the old ones are still good for a while.
        if (expiresAtMs !== null && now < expiresAtMs) return credentials;
        throw error;
      }
    },
    renew: async () => {
      await renewed();
    },
    secrets: () => [...secrets],
  };
}

async function obtainFor(user: KubeconfigUser, options: CredentialOptions): Promise<Obtained> {
  const { clock, target } = options;
  if (user.exec !== null) {
    const credential = await runExecPlugin({ ...options, plugin: user.exec, user: user.name, cluster: target.cluster });
    return ofPlugin(user, credential, clock);
  }
  const token = tokenFrom(user) ?? user.token;
  if (token !== null) return ofToken(user, token, user.tokenFile === null ? null : clock.wallMs() + TOKEN_FILE_MS);
  if (user.username !== null) {
    const { username, password } = user;
    const basic = Buffer.from(`${username}:${password ?? ''}`).toString('base64');
    return lasting(user, { Authorization: `Basic ${basic}` }, password === null ? [basic] : [password, basic]);
  }
  return lasting(user, {}, []);
}

function ofNobody(): Obtained {
  return {
    credentials: { headers: {}, certificate: null, key: null },
    secrets: [],
    renewAtMs: null,
    expiresAtMs: null,
  };
}

function lasting(user: KubeconfigUser, headers: Credentials['headers'], secrets: readonly string[]): Obtained {
  const all = { ...user.impersonation, ...headers };
  return { ...ofNobody(), credentials: { headers: all, certificate: null, key: null }, secrets };
}

function ofToken(user: KubeconfigUser, token: string, renewAtMs: number | null): Obtained {
  return { ...lasting(user, { Authorization: `Bearer ${token}` }, [token]), renewAtMs };
}

function ofPlugin(user: KubeconfigUser, credential: ExecCredential, clock: Clock): Obtained {
  const { token, certificate, key, expiresAtMs } = credential;
  const base = token === null ? lasting(user, {}, []) : ofToken(user, token, null);
  const credentials = { ...base.credentials, certificate, key };
  const secrets = key === null ? base.secrets : [...base.secrets, key];
  const restMs = expiresAtMs === null ? 0 : expiresAtMs - clock.wallMs();
  // Expired at birth: the clocks differ, and only the server knows. Asking for new ones each time would not help.
  if (expiresAtMs === null || restMs <= 0) return { ...base, credentials, secrets };
  const aheadMs = Math.min(RENEW_AHEAD_MS, restMs * RENEW_AHEAD_SHARE);
  return { credentials, secrets, renewAtMs: expiresAtMs - aheadMs, expiresAtMs };
}

/** The token of `tokenFile`, which goes before `token`; null when there is no such file to read, and a token instead. */
function tokenFrom({ tokenFile, token, name }: KubeconfigUser): string | null {
  if (tokenFile === null) return null;
  try {
    const text = readFileSync(tokenFile, 'utf8').trim();
    if (text !== '' || token !== null) return text === '' ? null : text;
    throw new Error('it is empty');
  } catch (cause) {
    if (token !== null) return null;
    const { code, message } = cause as NodeJS.ErrnoException;
    throw new ConnectError(`the token file ${tokenFile} of user ${quote(name)} cannot be read: ${code ?? message}`, {
      reason: 'CredentialsFailed',
      cause,
    });
  }
}
