import { type Right, rightsNamed } from '../__tests__/scenarios/rbac.ts';
import type { AuditedRequest, GateRun } from './gate.ts';
import type { Cluster } from './harness.ts';
import { aPodSpec } from './workloads.ts';

/** What an account with the rights of a mode did: its runs, and by the audit log its requests. */
export interface RunsOfMode {
  readonly runs: readonly GateRun[];
  readonly requests: readonly AuditedRequest[];
}

/** What the verdict itself needs: without a view of them it is never healthy. */
export const NEEDED: ReadonlySet<string> = new Set(['pods', 'deployments', 'statefulsets', 'daemonsets', 'jobs']);

/** Runs of the gate at a time. */
const LANES = 6;

/** Does `work` for each of them, some at a time. */
export async function inLanes<T>(items: readonly T[], work: (item: T) => Promise<void>): Promise<void> {
  const queue = [...items];
  const lane = async (): Promise<void> => {
    for (let item = queue.shift(); item !== undefined; item = queue.shift()) await work(item);
  };
  await Promise.all(Array.from({ length: LANES }, lane));
}

/** Makes the pod `migrate`, which ends for good with an error and says why in its log. */
export async function makeFailedPod({ api }: Cluster, namespace: string): Promise<void> {
  const container = { args: ['crash', '--message=cannot reach the database'] };
  await api.apply({
    apiVersion: 'v1',
    kind: 'Pod',
    metadata: { name: 'migrate', namespace },
    spec: aPodSpec({ container, restartPolicy: 'Never' }),
  });
}

/** The rights in the lines `missing right: …` of a log. */
export function missingRightsIn({ stdout }: GateRun): readonly Right[] {
  const lines = stdout.split('\n').filter((line) => line.includes('missing right:'));
  return lines.flatMap((line) => rightsNamed(line));
}
