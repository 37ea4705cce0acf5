import type { OutputName } from '../contract.ts';
import type { Report, Verdict } from './report.ts';
import { field, printableJson } from './untrusted.ts';

/** Most pods that the output `not-ready-pods` names: an output is for a condition in a workflow, the report for all. */
export const NOT_READY_PODS_LIMIT = 50;

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

function namesJson(names: readonly string[]): string {
  return printableJson(names.map((name) => field(name)));
}
