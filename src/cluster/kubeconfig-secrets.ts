import { isRecord } from './body.ts';
import type { ExecPlugin, KubeconfigUser } from './kubeconfig.ts';

/** Names of variables and flags whose values are credentials; of those that end otherwise they are paths and the like. */
const SECRET_NAME =
  /(?:token|secret|password|passwd|passphrase|(?<!application_)credentials?|(?:private|access|api)[-_]?key)$/i;

/**
 * What stands in the kubeconfig and nobody else should read, one by one, as it stands there and decoded: what a face must
 * mask before anything is tried.
 */
export function secretsOfUser(user: KubeconfigUser | null): readonly string[] {
  if (user === null) return [];
  const { token, username, password, keyData, exec, authProvider } = user;
  return [
    token,
    password,
    username === null || password === null ? null : basicOf(username, password),
    keyData,
    keyData === null ? null : Buffer.from(keyData, 'base64').toString('utf8'),
    ...(exec === null ? [] : secretsOfPlugin(exec)),
    ...secretsOfProvider(authProvider),
  ].filter((secret) => secret !== null);
}

/** The text behind `Basic `. */
export function basicOf(username: string, password: string): string {
  return Buffer.from(`${username}:${password}`).toString('base64');
}

/** Credentials that the kubeconfig hands to an exec plugin: in variables, and behind flags. */
export function secretsOfPlugin({ env, args }: ExecPlugin): readonly string[] {
  const inEnv = Object.entries(env).filter(([name]) => SECRET_NAME.test(name));
  const inArgs = args.flatMap((arg, index) => {
    const { name = '', value } = /^--?(?<name>[\w-]+)(?:=(?<value>.*))?$/s.exec(arg)?.groups ?? {};
    return SECRET_NAME.test(name) ? [value ?? args[index + 1] ?? ''] : [];
  });
  return [...inEnv.map(([, value]) => value), ...inArgs];
}

function secretsOfProvider(authProvider: unknown): readonly string[] {
  const config = isRecord(authProvider) && isRecord(authProvider.config) ? authProvider.config : {};
  return Object.entries(config)
    .filter(([name]) => SECRET_NAME.test(name))
    .map(([, value]) => value)
    .filter((value) => typeof value === 'string');
}
