/** What holds for every run, whatever it saw. */

import type { LoggedRequest } from '../../simulator/api/request-log.ts';
import type { Played } from '../harness.ts';
import { schemaProblems } from '../report/report-schema.ts';
import { outputsIn } from '../scenarios/broken-node.ts';
import type { Demands } from './demands.ts';

export interface EndedRun {
  readonly played: Played;
  readonly demands: Demands;
  readonly cancelledAfterMs: number | null;
  readonly requests: readonly LoggedRequest[];
}

/** A run ends this long after its timeout or its cancellation, at the latest. */
const SHUTDOWN_MS = 5_000;
/** Looks are 200 ms apart; what is begun at once besides are a handful of them. */
const LOOKS_PER_SECOND = 5;
/**
 * More than this in ten seconds, answers that are refused at once included, is asking in a loop. Before each DELETE that
 * is turned away, up to three times for each node, some twenty lists are read.
 */
const REQUESTS_IN_TEN_SECONDS = 400;

/** What is wrong with the end of a run, and with how it got there. */
export function whyNotWellEnded(run: EndedRun): readonly string[] {
  const { played, demands, cancelledAfterMs, requests } = run;
  const { report, elapsedMs, looks } = played;
  const problems: string[] = [
    ...schemaProblems(report).map((problem) => `report: ${problem}`),
    ...outputProblems(played),
  ];
  const deny = (isWrong: boolean, why: string): void => {
    if (isWrong) problems.push(why);
  };
  const lastMs = Math.min(demands.timeoutMs, cancelledAfterMs ?? Number.POSITIVE_INFINITY) + SHUTDOWN_MS;
  deny(elapsedMs > lastMs, `it ended after ${elapsedMs} ms, ${lastMs} are allowed`);
  deny(played.cancelled && report.verdict !== 'inconclusive', 'a cancelled run has a verdict');

  const { total, ...counts } = report.pods;
  const sum = Object.values(counts).reduce((one, other) => one + other, 0);
  deny(sum !== total, `the counts add up to ${sum}, not to ${total}`);
  deny(report.verdict === 'healthy' && counts.notReady > 0, 'healthy, with pods that are not ready');

  deny(looks.length > LOOKS_PER_SECOND * (elapsedMs / 1_000) + 20, `${looks.length} looks in ${elapsedMs} ms`);
  deny(burst(requests) > REQUESTS_IN_TEN_SECONDS, `${burst(requests)} requests in ten seconds`);
  for (const { method, path } of requests) {
    const isReview = method === 'POST' && path === '/apis/authorization.k8s.io/v1/selfsubjectaccessreviews';
    deny(method !== 'GET' && method !== 'DELETE' && !isReview, `it sent ${method} ${path}`);
  }
  const endMs = report.timeline.map(({ at }) => Date.parse(at));
  deny(
    endMs.some((at, index) => at < (endMs[index - 1] ?? at) - 1),
    'its timeline goes back',
  );
  return problems;
}

/** Every output is set on every path, and says what the report says. */
function outputProblems(played: Played): readonly string[] {
  const { report, notReadyPods } = played;
  const outputs: Readonly<Record<string, string>> = outputsIn(played);
  const expected: Readonly<Record<string, RegExp | string>> = {
    verdict: /^(healthy|unhealthy|inconclusive)$/,
    reason: /./,
    'pods-total': String(report.pods.total),
    'pods-ready': String(report.pods.ready),
    'pods-not-ready': String(notReadyPods.length),
    'not-ready-pods': JSON.stringify(notReadyPods.slice(0, 50)),
    'calico-auth-failure': String(report.calico.detected),
    'affected-nodes': JSON.stringify(report.calico.nodes.map(({ node }) => node)),
    'restarted-nodes': JSON.stringify(played.restartedNodes),
    'report-file': '',
  };
  return Object.entries(expected).flatMap(([name, wanted]) => {
    const set = outputs[name];
    const isRight = set !== undefined && (typeof wanted === 'string' ? set === wanted : wanted.test(set));
    return isRight ? [] : [`the output ${name} is ${set ?? 'not set'}`];
  });
}

function burst(requests: readonly LoggedRequest[]): number {
  let most = 0;
  let from = 0;
  requests.forEach(({ atMs }, index) => {
    while ((requests[from]?.atMs ?? atMs) < atMs - 10_000) from += 1;
    most = Math.max(most, index - from + 1);
  });
  return most;
}
