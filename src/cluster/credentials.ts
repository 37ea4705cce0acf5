import type { Clock } from '../clock.ts';
import { quote } from '../printable.ts';
import { createAuthProvider } from './auth-provider.ts';
import { ConnectError } from './connect-error.ts';
import type { ClientCertificate } from './dialer.ts';
import { type ExecCredential, type ExecOptions, runExecPlugin } from './exec-plugin.ts';
import type { KubeconfigUser } from './kubeconfig.ts';
import { basicOf, secretsOfUser } from './kubeconfig-secrets.ts';
import type { Target } from './kubeconfig-source.ts';
import { readSmallFile } from './small-file.ts';

/** What is sent along with a request. */
export interface Credentials extends ClientCertificate {
  readonly headers: Readonly<Record<string, string | readonly string[]>>;
}

/** The credentials of one user, renewed when they are about to expire. */
export interface CredentialSource {
  /** Those to use now. Rejects with ConnectError when there are none. Parallel calls share one renewal. */
  readonly current: () => Promise<Credentials>;
  /** Obtains new ones whatever the present ones are. */
  readonly renew: () => Promise<void>;
  /** Sentences for the report about the present ones. */
  readonly warnings: () => readonly string[];
}

export interface CredentialOptions extends Omit<ExecOptions, 'plugin' | 'user' | 'cluster'> {
  readonly target: Target;
  /** Told each secret before anything is done with it; of the same ones again and again. */
  readonly mask?: (secret: string) => void;
}

/** A token file is read again after so long (client-go transport/token_source.go: one minute). */
const TOKEN_FILE_MS = 60_000;
/** Credentials that expire sooner are renewed before they are used; of short-lived ones the last fifth. */
const RENEW_AHEAD_MS = 60_000;
const RENEW_AHEAD_SHARE = 0.2;
/** A renewal ahead of time that failed is not tried again sooner: it may take its whole time to fail. */
const RENEW_AGAIN_MS = 20_000;

/** What was obtained, and until when it may be used. */
interface Obtained {
  readonly credentials: Credentials;
  readonly secrets: readonly string[];
  /** Wall ms; null: until it is refused. */
  readonly renewAtMs: number | null;
  /** Wall ms; null: it is good until it is refused, whenever it should be renewed. */
  readonly expiresAtMs: number | null;
  readonly warning: string | null;
}

/** Gives the credentials of one user; `refused`: those before were, with 401. */
type Obtain = (refused: boolean) => Promise<Obtained>;

/** Plugin, token file, token, user and password, or auth provider, in this order; else nothing but impersonation. */
export function createCredentialSource(options: CredentialOptions): CredentialSource {
  const { target, clock, mask = () => undefined } = options;
  const { user } = target;
  for (const secret of secretsOfUser(user)) mask(secret);
  const obtain = user === null ? () => Promise.resolve(ofNobody()) : obtainerFor(user, options);
  let present: Obtained | null = null;
  let renewal: Promise<Obtained> | null = null;

  const renewNow = async (refused: boolean): Promise<Obtained> => {
    try {
      const obtained = await obtain(refused);
      for (const secret of obtained.secrets) mask(secret);
      refuseUnsendable(obtained.credentials, user);
      present = obtained;
      return obtained;
    } finally {
      renewal = null;
    }
  };
  const renewed = (refused: boolean): Promise<Obtained> => {
    renewal ??= renewNow(refused);
    return renewal;
  };

  return {
    current: async () => {
      const now = clock.wallMs();
      if (present === null) return (await renewed(false)).credentials;
      if (present.renewAtMs === null || now < present.renewAtMs) return present.credentials;
      const before = present;
      try {
        return (await renewed(false)).credentials;
      } catch (error) {
        // Renewed ahead of time: the old ones are still good for a while, or until the server says no.
        if (before.expiresAtMs !== null && clock.wallMs() >= before.expiresAtMs) throw error;
        if (present === before) present = { ...before, renewAtMs: clock.wallMs() + RENEW_AGAIN_MS };
        return before.credentials;
      }
    },
    renew: async () => {
      await renewed(true);
    },
    warnings: () => [present?.warning ?? null].filter((warning) => warning !== null),
  };
}

function obtainerFor(user: KubeconfigUser, options: CredentialOptions): Obtain {
  const { clock, target } = options;
  const { exec, username } = user;
  if (exec !== null) {
    const plugin = { ...options, plugin: exec, user: user.name, cluster: target.cluster };
    return async () => expiring(user, await runExecPlugin(plugin), clock);
  }
  if (user.token !== null || user.tokenFile !== null) {
    return async () => {
      const token = (await tokenFrom(user)) ?? user.token ?? '';
      return ofToken(user, token, user.tokenFile === null ? null : clock.wallMs() + TOKEN_FILE_MS);
    };
  }
  if (username !== null) {
    const basic = lasting(user, { Authorization: `Basic ${basicOf(username, user.password ?? '')}` }, []);
    return () => Promise.resolve(basic);
  }
  if (user.authProvider !== null) {
    const provider = createAuthProvider(user, options);
    return async (refused) => {
      const { token, secrets, expiresAtMs, warning } = await provider(refused);
      const obtained = expiring(user, { token, certificate: null, key: null, expiresAtMs }, clock);
      return { ...obtained, secrets, warning };
    };
  }
  return () => Promise.resolve(lasting(user, {}, []));
}

function ofNobody(): Obtained {
  return {
    credentials: { headers: {}, certificate: null, key: null },
    secrets: [],
    renewAtMs: null,
    expiresAtMs: null,
    warning: null,
  };
}

function lasting(user: KubeconfigUser, headers: Credentials['headers'], secrets: readonly string[]): Obtained {
  const all = { ...user.impersonation, ...headers };
  return { ...ofNobody(), credentials: { headers: all, certificate: null, key: null }, secrets };
}

function ofToken(user: KubeconfigUser, token: string, renewAtMs: number | null): Obtained {
  return { ...lasting(user, { Authorization: `Bearer ${token}` }, [token]), renewAtMs };
}

function expiring(user: KubeconfigUser, credential: ExecCredential, clock: Clock): Obtained {
  const { token, certificate, key, expiresAtMs } = credential;
  const base = token === null ? lasting(user, {}, []) : ofToken(user, token, null);
  const credentials = { ...base.credentials, certificate, key };
  const secrets = key === null ? base.secrets : [...base.secrets, key];
  const restMs = expiresAtMs === null ? 0 : expiresAtMs - clock.wallMs();
  // Expired at birth: the clocks differ, and only the server knows. Asking for new ones each time would not help.
  if (expiresAtMs === null || restMs <= 0) return { ...base, credentials, secrets };
  const aheadMs = Math.min(RENEW_AHEAD_MS, restMs * RENEW_AHEAD_SHARE);
  return { ...base, credentials, secrets, renewAtMs: expiresAtMs - aheadMs, expiresAtMs };
}

/** What Node refuses to send (`_http_common.js`: checkInvalidHeaderChar) would look like a network that is down. */
function refuseUnsendable({ headers }: Credentials, user: KubeconfigUser | null): void {
  for (const [name, values] of Object.entries(headers)) {
    if (![values].flat().some((value) => /[^\t\x20-\x7e\x80-\xff]/.test(value))) continue;
    const what = name === 'Authorization' ? 'the token' : `the header ${name}`;
    throw new ConnectError(
      `${what} of user ${quote(user?.name ?? '')} holds a character that cannot be sent, such as a line break: repair the kubeconfig, or what writes it`,
      { reason: 'CredentialsFailed' },
    );
  }
}

/** Servers take headers of some kilobytes, and of a megabyte at most. */
const TOKEN_LIMIT_BYTES = 1024 * 1024;

/** The token of `tokenFile`, which goes before `token`; null when there is no such file to read, and a token instead. */
async function tokenFrom({ tokenFile, token, name }: KubeconfigUser): Promise<string | null> {
  if (tokenFile === null) return null;
  try {
    const text = (await readSmallFile(tokenFile, TOKEN_LIMIT_BYTES)).trim();
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
