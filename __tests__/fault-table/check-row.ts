import type { LoggedRequest } from '../../simulator/api/request-log.ts';
import { type Played, settingsOf } from '../harness.ts';
import { INPUTS } from './play-row.ts';
import { brokenPromises } from './promises.ts';
import type { Bounds, Expected, PlayedRow } from './row.ts';

/** What is not as the row expects, one sentence each; empty: all is. */
export async function problemsOf({ row, played, world, strikes }: PlayedRow): Promise<readonly string[]> {
  const { expected, faults } = row;
  const { timeoutMs } = settingsOf({ ...INPUTS, ...row.inputs });
  const { requests } = world.sim;
  return [
    ...(faults !== undefined && faults.length > 0 && strikes === 0 ? ['no fault ever struck'] : []),
    ...reasonProblems(played, expected),
    ...within('requests', requests.length, expected.requests),
    ...Object.entries(expected.of ?? {}).flatMap(([sort, bounds]) => within(sort, countOf(requests, sort), bounds)),
    ...within('DELETEs', deletesIn(requests), expected.deletes ?? 0),
    ...within('ms', Math.round(played.elapsedMs), expected.timeMs),
    ...reportProblems(played, expected),
    ...logProblems(played, expected),
    ...brokenPromises(played, world, timeoutMs),
    ...((await row.check?.(played, world)) ?? []),
  ];
}

export function deletesIn(requests: readonly LoggedRequest[]): number {
  return requests.filter(({ verb }) => verb === 'delete').length;
}

/** `list shop/pods`, `get version`. */
function sortOf({ verb, namespace, resource }: LoggedRequest): string {
  return `${verb} ${namespace === undefined ? '' : `${namespace}/`}${resource}`;
}

function countOf(requests: readonly LoggedRequest[], sort: string): number {
  return requests.filter((request) => sortOf(request) === sort || `answered ${request.status}` === sort).length;
}

function within(what: string, count: number, bounds: Bounds): readonly string[] {
  const [least, most] = typeof bounds === 'number' ? [bounds, bounds] : bounds;
  if (count >= least && count <= most) return [];
  return [`${what}: ${count} instead of ${least === most ? least : `${least} to ${most}`}`];
}

function reasonProblems({ report }: Played, { verdict, reason }: Expected): readonly string[] {
  return [
    ...(report.verdict === verdict ? [] : [`verdict: ${report.verdict} instead of ${verdict}: ${report.reason}`]),
    ...(reason.test(report.reason) ? [] : [`reason: ${report.reason} does not match ${reason}`]),
  ];
}

function reportProblems({ report }: Played, { pods = {}, nodes = [] }: Expected): readonly string[] {
  const found = report.calico.nodes.map(({ node, action, outcome }) => `${node}: ${action}/${outcome ?? '-'}`);
  return [
    ...Object.entries(pods).flatMap(([what, count]) =>
      within(`pods ${what}`, report.pods[what as keyof Report['pods']], count),
    ),
    ...(found.join() === nodes.join() ? [] : [`nodes: ${found.join(', ')} instead of ${nodes.join(', ')}`]),
  ];
}

type Report = Played['report'];

function logProblems({ log }: Played, { log: says = [], never }: Expected): readonly string[] {
  return [
    ...says.filter((text) => !log.some((line) => text.test(line))).map((text) => `no line of the log says ${text}`),
    ...log.filter((line) => never?.test(line)).map((line) => `a line of the log says ${line}`),
  ];
}
