import type { Fault } from './faults.ts';
import type { RequestSeen } from './request-log.ts';

/** One thing that goes wrong: with which requests, how often, when. What is left out is any. */
export interface FaultRule {
  /** In the words of RBAC: `list`, `watch`, `get`, `create`, `delete`. */
  readonly verb?: string | readonly string[];
  /** Plural, with its subresource: `pods`, `pods/log`, `selfsubjectaccessreviews`; or `version`. */
  readonly resource?: string | readonly string[];
  readonly namespace?: string;
  /** Matched against the path with its query. */
  readonly path?: RegExp;
  /** So many of these requests pass before. */
  readonly skip?: number;
  /** How many of those behind may go wrong; default all. */
  readonly times?: number;
  /** Since the first request that the script saw. */
  readonly fromMs?: number;
  readonly untilMs?: number;
  /** `count`: the first that may go wrong by this rule is 1. `undefined` lets it pass. */
  readonly fault: Fault | ((request: RequestSeen, count: number) => Fault | undefined);
}

/**
 * What goes wrong, for `sim.api.faults`: the first rule that a request meets decides, and counts it. Rules do not know of
 * each other: a request that one of them lets pass may fail by the next.
 */
export function faultScript(rules: readonly FaultRule[]): (request: RequestSeen) => Fault | undefined {
  const met = rules.map(() => 0);
  let beganMs: number | undefined;
  return (request) => {
    beganMs ??= request.atMs;
    const sinceMs = request.atMs - beganMs;
    for (const [index, rule] of rules.entries()) {
      if (!isAbout(rule, request) || sinceMs < (rule.fromMs ?? 0)) continue;
      if (sinceMs >= (rule.untilMs ?? Number.POSITIVE_INFINITY)) continue;
      const nth = (met[index] ?? 0) + 1;
      met[index] = nth;
      const count = nth - (rule.skip ?? 0);
      if (count < 1 || count > (rule.times ?? Number.POSITIVE_INFINITY)) continue;
      const fault = typeof rule.fault === 'function' ? rule.fault(request, count) : rule.fault;
      if (fault !== undefined) return fault;
    }
    return undefined;
  };
}

function isAbout(rule: FaultRule, request: RequestSeen): boolean {
  return (
    isOneOf(request.verb, rule.verb) &&
    isOneOf(request.resource, rule.resource) &&
    (rule.namespace === undefined || rule.namespace === request.namespace) &&
    (rule.path === undefined || rule.path.test(request.path))
  );
}

function isOneOf(value: string, allowed: string | readonly string[] | undefined): boolean {
  if (allowed === undefined) return true;
  return typeof allowed === 'string' ? value === allowed : allowed.includes(value);
}
