import type { AccessAttributes } from './status-errors.ts';

/** Says whether a user may do something: the whole of RBAC, as far as a client can tell. */
export type Permissions = (asked: AccessAttributes) => boolean;

/** Rights that a rule speaks of; what is left out matches everything. */
export interface Rule {
  readonly user?: string;
  readonly verb?: string | readonly string[];
  readonly resource?: string | readonly string[];
  readonly namespace?: string | readonly string[];
  readonly subresource?: string;
}

function covers(wanted: string | readonly string[] | undefined, value: string | undefined): boolean {
  if (wanted === undefined) return true;
  return typeof wanted === 'string' ? wanted === value : value !== undefined && wanted.includes(value);
}

function matches(rule: Rule, asked: AccessAttributes): boolean {
  return (
    covers(rule.user, asked.user) &&
    covers(rule.verb, asked.verb) &&
    covers(rule.resource, asked.resource) &&
    covers(rule.namespace, asked.namespace) &&
    (rule.subresource === undefined || rule.subresource === asked.subresource)
  );
}

export const allowAll: Permissions = (asked) => asked.user !== ANONYMOUS;

/** All rights but those that one of the rules names. */
export function allowAllBut(...rules: readonly Rule[]): Permissions {
  return (asked) => allowAll(asked) && !rules.some((rule) => matches(rule, asked));
}

/** No rights but those that one of the rules names. */
export function allowOnly(...rules: readonly Rule[]): Permissions {
  return (asked) => allowAll(asked) && rules.some((rule) => matches(rule, asked));
}

export const ANONYMOUS = 'system:anonymous';

/** Bearer tokens and whose they are. */
export interface Tokens {
  readonly add: (token: string, user: string) => void;
  /** From now on the token is answered with 401. */
  readonly revoke: (token: string) => void;
  /** The user of an Authorization header; `undefined` means 401, a header without a bearer token the anonymous user. */
  readonly userOf: (authorization: string | undefined) => string | undefined;
}

export function createTokens(initial: Readonly<Record<string, string>>): Tokens {
  const users = new Map(Object.entries(initial));
  return {
    add: (token, user) => {
      users.set(token, user);
    },
    revoke: (token) => {
      users.delete(token);
    },
    userOf: (authorization) => {
      const token = /^bearer\s+(\S+)$/i.exec(authorization ?? '')?.[1];
      // Of whoever shows something else nobody knows who it is.
      return token === undefined ? ANONYMOUS : users.get(token);
    },
  };
}
