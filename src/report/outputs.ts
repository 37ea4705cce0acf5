import type { OutputName } from '../contract.ts';
import type { Report, Verdict } from './report.ts';
import { field, printableJson } from './untrusted.ts';

/** Most pods that the output `not-ready-pods` names: an output is for a condition in a workflow, the report for all. */
export const NOT_READY_PODS_LIMIT = 50;

/**
 * Most bytes of an output that is a list: a workflow hands it on in `env:`, where Linux takes 128 KiB a variable
 * (`MAX_ARG_STRLEN`), and all outputs of a job may have 1 MB.
 */
export const LIST_LIMIT_BYTES = 100_000;

export type Outputs = Readonly<Record<OutputName, string>>;

/** What is set before anything is known, and on bad input: every output, so that a spoofed one is always overwritten. */
export function emptyOutputs(verdict: Verdict, reason: string): Outputs {
  return {
    verdict,
    reason,
    'pods-total': '0',
    'pods-ready': '0',
    'pods-not-ready': '0',
    'not-ready-pods': '[]',
    'calico-auth-failure': 'false',
    'affected-nodes': '[]',
    'restarted-nodes': '[]',
    'report-file': '',
  };
}

/**
 * Every output of the action. `restartedNodes` are the nodes whose calico-node pod was removed by this run's DELETE
 * (the report's `action` may have moved on); `reportFile` is empty when none was written.
 */
export function outputsOf(
  report: Report,
  notReadyPods: readonly string[],
  restartedNodes: readonly string[],
  reportFile: string,
): Outputs {
  return {
    verdict: report.verdict,
    reason: report.reason,
    'pods-total': String(report.pods.total),
    'pods-ready': String(report.pods.ready),
    'pods-not-ready': String(report.pods.notReady),
    'not-ready-pods': namesJson(notReadyPods.slice(0, NOT_READY_PODS_LIMIT)),
    'calico-auth-failure': String(report.calico.detected),
    'affected-nodes': namesJson(report.calico.nodes.map((node) => node.node)),
    'restarted-nodes': namesJson(restartedNodes),
    'report-file': reportFile,
  };
}

/** One sentence about the lists that are longer than an output may be; null: none is. */
export function shortenedOutputs(report: Report, restartedNodes: readonly string[]): string | null {
  const lists = {
    'affected-nodes': report.calico.nodes.map(({ node }) => node),
    'restarted-nodes': restartedNodes,
  } satisfies Partial<Record<OutputName, readonly string[]>>;
  const cut = Object.entries(lists).flatMap(([name, nodes]) => {
    const shown = fitting(nodes).length;
    return shown < nodes.length ? [`${name} has the first ${shown} of ${nodes.length} nodes`] : [];
  });
  return cut.length === 0
    ? null
    : `outputs are cut, for a workflow could not use them: ${cut.join(', ')}; the report has all`;
}

function namesJson(names: readonly string[]): string {
  return printableJson(fitting(names));
}

/** As many of the first names as a list may have. */
function fitting(names: readonly string[]): readonly string[] {
  const shown: string[] = [];
  let bytes = BRACKETS_BYTES;
  for (const name of names) {
    const clean = field(name);
    bytes += Buffer.byteLength(printableJson(clean)) + COMMA_BYTES;
    if (bytes > LIST_LIMIT_BYTES) break;
    shown.push(clean);
  }
  return shown;
}

const BRACKETS_BYTES = 2;
const COMMA_BYTES = 1;
