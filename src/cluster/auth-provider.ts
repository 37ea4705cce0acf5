import { quote } from '../printable.ts';
import { isRecord } from './body.ts';
import { ConnectError } from './connect-error.ts';
import { expiryOfToken } from './json-web-token.ts';
import type { KubeconfigUser } from './kubeconfig.ts';
import { type OidcOptions, type OidcProvider, refreshIdToken } from './oidc.ts';

/** A token of an `auth-provider`, and what else must be masked. */
export interface ProviderToken {
  readonly token: string;
  readonly secrets: readonly string[];
  /** On the clock of this machine; null: until the server refuses it. */
  readonly expiresAtMs: number | null;
  /** A sentence for the report; null: there is nothing to warn of. */
  readonly warning: string | null;
}

/** Gives the present token; a new one when it has expired, or was `refused` and another can be had. */
export type AuthProvider = (refused: boolean) => Promise<ProviderToken>;

/** The providers that kubectl had until 1.26, and what took their place. */
const REMOVED: Readonly<Record<string, string>> = {
  gcp: 'the exec plugin gke-gcloud-auth-plugin',
  azure: 'the exec plugin kubelogin',
};

/**
 * The `auth-provider` of a user. `oidc` is refreshed as kubectl does; of `gcp` and `azure`, which kubectl no longer has,
 * only the token that stands in the kubeconfig is used: renewing it would run a command line of the kubeconfig in a
 * shell. Rejects with ConnectError when there is no token to be had.
 */
export function createAuthProvider(user: KubeconfigUser, options: OidcOptions): AuthProvider {
  const provider = isRecord(user.authProvider) ? user.authProvider : {};
  const name = textIn(provider, 'name');
  const config = isRecord(provider.config) ? provider.config : {};
  const who = `the auth provider ${quote(name)} of user ${quote(user.name)}`;
  switch (name) {
    case 'oidc':
      return createOidc(who, config, options);
    case 'gcp':
    case 'azure':
      return () => Promise.resolve(ofKubeconfig(who, name, config, options));
    default:
      return () => Promise.reject(failed(`${who} is not known: use a token, a client certificate or an exec plugin`));
  }
}

function failed(message: string): ConnectError {
  return new ConnectError(message, { reason: 'CredentialsFailed' });
}

function textIn(record: Readonly<Record<string, unknown>>, name: string): string {
  const value = record[name];
  return typeof value === 'string' ? value : '';
}

function createOidc(who: string, config: Readonly<Record<string, unknown>>, options: OidcOptions): AuthProvider {
  const provider: OidcProvider = {
    issuer: textIn(config, 'idp-issuer-url'),
    clientId: textIn(config, 'client-id'),
    clientSecret: textIn(config, 'client-secret'),
    caData: textIn(config, 'idp-certificate-authority-data') || null,
    caFile: textIn(config, 'idp-certificate-authority') || null,
  };
  let idToken = textIn(config, 'id-token');
  const givenRefreshToken = textIn(config, 'refresh-token');
  let refreshToken = givenRefreshToken;
  const canRefresh = refreshToken !== '' && provider.issuer !== '' && provider.clientId !== '';

  return async (refused) => {
    const expiresAtMs = expiryOfToken(idToken);
    const hasExpired = idToken === '' || (expiresAtMs !== null && expiresAtMs <= options.clock.wallMs());
    if (hasExpired && !canRefresh) {
      throw failed(
        `${who} has ${idToken === '' ? 'no id-token' : `an id-token that ${expired(expiresAtMs)}`}, and lacks what a new one takes (refresh-token, idp-issuer-url, client-id): log in again before this step`,
      );
    }
    if (hasExpired || (refused && canRefresh)) {
      ({ idToken, refreshToken } = await refreshIdToken(provider, refreshToken, options));
    }
    const warning =
      refreshToken === givenRefreshToken
        ? null
        : `${who} was given a new refresh token, which is not written into the kubeconfig: where each one can be used only once, the next run has to log in again`;
    return { token: idToken, secrets: [idToken, refreshToken], expiresAtMs: expiryOfToken(idToken), warning };
  };
}

function ofKubeconfig(
  who: string,
  name: string,
  config: Readonly<Record<string, unknown>>,
  { clock }: OidcOptions,
): ProviderToken {
  const token = textIn(config, 'access-token');
  const expiresOnMs = Number(textIn(config, 'expires-on') || Number.NaN) * 1_000;
  const expiryMs = Date.parse(textIn(config, 'expiry'));
  const expiresAtMs = [expiryMs, expiresOnMs].find((atMs) => !Number.isNaN(new Date(atMs).getTime())) ?? null;
  if (token !== '' && (expiresAtMs === null || expiresAtMs > clock.wallMs())) {
    return { token, secrets: [token], expiresAtMs, warning: null };
  }
  const what = token === '' ? 'no token' : `a token that ${expired(expiresAtMs)}`;
  throw failed(`${who} has ${what}, and kubectl has had no such provider since 1.26: log in with ${REMOVED[name]}`);
}

function expired(atMs: number | null): string {
  return atMs === null ? 'has expired' : `expired at ${new Date(atMs).toISOString()}`;
}
