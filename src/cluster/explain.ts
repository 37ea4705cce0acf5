import { ApiError, type ApiErrorDetails, type ApiErrorKind } from './api-error.ts';
import { parseRetryAfter } from './back-off.ts';
import { type Refusal, TooLongBody } from './body.ts';
import { capText } from './cap-text.ts';
import { isConnectError } from './connect-error.ts';
import { networkProblemOf } from './network-error.ts';
import { describeTarget, type RequestTarget, ruleFor } from './request-target.ts';
import type { ApiResponse } from './transport.ts';

/*
 * What went wrong, as the one kind of error that the rest of the gate knows. Messages name verb, resource and namespace,
 * what happened and what to do; they hold no credentials.
 */

/** The server turned the request away. `atMs`: the server's time. */
export function refused(target: RequestTarget, response: ApiResponse, refusal: Refusal, atMs: number): ApiError {
  const { status } = response;
  const words = capText(refusal.message);
  const retryAfterMs =
    parseRetryAfter(response.headers['retry-after'], atMs) ??
    (refusal.retryAfterSeconds === null ? null : refusal.retryAfterSeconds * 1_000);
  const kind = kindOf(status, refusal.reason);
  const { reason, isStatus } = refusal;
  const details = { ...detailsOf(target), kind, status, reason, words, retryAfterMs, isStatus };
  return new ApiError(`${describeTarget(target)}: ${refusalMessage(target, response, details)}`, details);
}

function kindOf(status: number, reason: string): ApiErrorKind {
  if (status >= 300 && status < 400) return 'redirect';
  switch (status) {
    case 401:
      return 'unauthorized';
    case 403:
      return 'forbidden';
    case 404:
      return 'not-found';
    case 407:
      return 'not-kubernetes';
    case 408:
      return 'server-error';
    case 409:
      return 'conflict';
    case 410:
      return 'expired';
    case 429:
      return 'too-many-requests';
    default:
      if (reason === 'Expired' || reason === 'Gone') return 'expired';
      return status >= 500 ? 'server-error' : 'invalid';
  }
}

function refusalMessage(target: RequestTarget, response: ApiResponse, details: ApiErrorDetails): string {
  const { kind, status, reason, words } = details;
  const code = `${status}${reason === '' ? '' : ` ${reason}`}`;
  const said = words === '' || words === reason ? code : `${code}${refusedUser(words) ?? `: ${words}`}`;
  // With whatever status it likes.
  if (isAdmissionRefusal(words)) {
    return `${code}: ${words.replace(FORBIDDEN_OBJECT, '')}; no right would help: ask who keeps that admission webhook or policy`;
  }
  switch (kind) {
    case 'unauthorized':
      return `${said}, also with credentials obtained anew; renew the token or client certificate of the kubeconfig, or log in again before this step`;
    case 'forbidden':
      return `${said}; ${forbiddenFix(target, words)}`;
    case 'redirect':
      return `${status}, a redirect to ${placeOf(response.headers.location)}; redirects are never followed: use the API server's own address in the kubeconfig`;
    case 'not-kubernetes':
      return `${said}; this is a proxy's answer: give it its credentials, or add the API server to NO_PROXY`;
    default:
      return said;
  }
}

/** RBAC's refusal (apiserver `responsewriters/errors.go`) repeats what the target says; only the user and the tail are new. */
const REFUSED_BY_RBAC =
  /^\S+(?: "[^"]*")? is forbidden: User "([^"]*)" cannot \S+ resource "[^"]*" in API group "[^"]*"(?: at the cluster scope| in the namespace "[^"]*")(.*)$/s;

function refusedUser(words: string): string | null {
  const match = REFUSED_BY_RBAC.exec(words);
  return match === null ? null : ` for user "${match[1]}"${match[2]}`;
}

/** What stands behind RBAC refuses in its own name (apiserver `plugin/webhook/errors`, `plugin/policy/validating`). */
const ADMISSION = /^admission webhook "|ValidatingAdmissionPolicy '/;

/** How the API server begins what a policy says (apimachinery `api/errors`); the target has said it already. */
const FORBIDDEN_OBJECT = /^\S+ "[^"]*" is forbidden: /;

/** Whether a DELETE was refused by what stands behind RBAC; no right helps there. */
export function isAdmissionRefusal(words: string): boolean {
  return ADMISSION.test(words);
}

function forbiddenFix(target: RequestTarget, words: string): string {
  if (words.includes('system:anonymous')) {
    return 'the server did not recognise any credentials: check the user of the kubeconfig';
  }
  const resource = target.subresource === null ? target.resource : `${target.resource}/${target.subresource}`;
  const verbs = target.verb === 'list' || target.verb === 'watch' ? ['list', 'watch'] : [target.verb];
  if (resource === '') return 'the credentials may not do this';
  return `allow it with ${ruleFor({ ...target, resources: [resource], verbs })}`;
}

/** Scheme, host and path: a login page's query may hold what nobody should see. */
function placeOf(location: string | undefined): string {
  if (location === undefined) return 'nowhere';
  try {
    const { origin, pathname } = new URL(location, 'https://same-server');
    return capText(origin === 'https://same-server' ? pathname : origin + pathname, 200);
  } catch {
    return 'an unreadable address';
  }
}

/** No answer, or half of one: what a transport rejected with. */
export function notAnswered(target: RequestTarget, cause: unknown): ApiError {
  if (isConnectError(cause)) {
    const details = { ...detailsOf(target), kind: 'credentials' as const, reason: '', words: cause.message };
    const fix = 'log in again before this step, or repair the user of the kubeconfig';
    return new ApiError(`${describeTarget(target)}: no credentials: ${cause.message}; ${fix}`, details, { cause });
  }
  const { kind, code, what, fix } = networkProblemOf(cause);
  const advice = fix === '' ? '' : `; ${fix}`;
  const coded = code === '' || what.includes(code) ? '' : ` (${code})`;
  const details = { ...detailsOf(target), kind, reason: code, words: capText(what) };
  return new ApiError(`${describeTarget(target)}: ${capText(what)}${coded}${advice}`, details, { cause });
}

/** 401, and the credentials were obtained anew: what must not be sent twice without thought is left to who asked for it. */
export function renewed(target: RequestTarget): ApiError {
  const words = '401, and the credentials were obtained anew';
  return new ApiError(`${describeTarget(target)}: ${words}`, {
    ...detailsOf(target),
    kind: 'credentials',
    status: 401,
    words,
  });
}

/** A 2xx whose body is nothing that an API server sends. */
export function notKubernetes(target: RequestTarget, response: ApiResponse): ApiError {
  const type = capText(response.headers['content-type'] ?? 'no content type', 100);
  const details = { ...detailsOf(target), kind: 'not-kubernetes' as const, status: response.status, words: type };
  return new ApiError(
    `${describeTarget(target)}: not a Kubernetes API response (${response.status}, ${type}); a proxy or a login page answers in place of the API server: check the kubeconfig's server and NO_PROXY`,
    details,
  );
}

/** A body that came, but was cut, is not what it should be, or is longer than it may be, which repeating does not help. */
export function garbled(target: RequestTarget, cause: Error): ApiError {
  const isTooLong = cause instanceof TooLongBody;
  const details = {
    ...detailsOf(target),
    kind: isTooLong ? ('invalid' as const) : ('unreachable' as const),
    reason: isTooLong ? TOO_LONG : 'Garbled',
    words: cause.message,
  };
  return new ApiError(`${describeTarget(target)}: ${cause.message}`, details, { cause });
}

/** The `reason` of an answer that was longer than its reader wanted. */
export const TOO_LONG = 'TooLong';

/** No byte came for too long. */
export function silent(target: RequestTarget, limitMs: number): ApiError {
  return brokenOff(target, 'Silent', `nothing came for ${Math.round(limitMs / 1_000)} s`);
}

/** Bytes came for too long. */
export function unfinished(target: RequestTarget, limitMs: number): ApiError {
  return brokenOff(target, 'Unfinished', `the answer had not ended after ${Math.round(limitMs / 1_000)} s`);
}

function brokenOff(target: RequestTarget, reason: string, words: string): ApiError {
  const details = { ...detailsOf(target), kind: 'unreachable' as const, reason, words };
  return new ApiError(`${describeTarget(target)}: ${words}`, details);
}

/** The run, or whoever asked, ended it. */
export function aborted(target: RequestTarget): ApiError {
  return new ApiError(`${describeTarget(target)}: given up because the run ends`, {
    ...detailsOf(target),
    kind: 'aborted',
  });
}

function detailsOf(target: RequestTarget): ApiErrorDetails {
  return {
    kind: 'unreachable',
    status: 0,
    reason: '',
    words: '',
    retryAfterMs: null,
    verb: target.verb,
    path: target.path,
  };
}
