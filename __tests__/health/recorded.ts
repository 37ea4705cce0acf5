/** The recorded states of a real cluster, with all of their workloads. */
import { readFileSync } from 'node:fs';
import { resolve } from 'node:path';
import { readSandboxErrors } from '../../src/calico/sandbox-errors.ts';
import type { Projection } from '../../src/cluster/projection/metadata.ts';
import { record, records } from '../../src/cluster/projection/raw.ts';
import { projectDeployment, projectJob, projectStatefulSet } from '../../src/cluster/projection/workload.ts';
import type { Observation } from '../../src/health/assessment.ts';
import type { Workload } from '../../src/objects/workload.ts';
import type { Settings } from '../../src/settings.ts';
import { TIMING } from '../../src/timing.ts';
import { aSettings } from '../builders.ts';
import { recordedState } from '../calico/recorded-cluster.ts';

const FOLDER = resolve(import.meta.dirname, '../recordings');

function recordedWorkloads(name: string, atMs: number): readonly Workload[] {
  const list = (resource: string, project: Projection<Workload>): readonly Workload[] => {
    const text = readFileSync(resolve(FOLDER, name, `${resource}.json`), 'utf8');
    return records(record(JSON.parse(text)).items).flatMap((item) => project(item, atMs) ?? []);
  };
  return [
    ...list('deployments', projectDeployment),
    ...list('statefulsets', projectStatefulSet),
    ...list('jobs', projectJob),
  ];
}

/** A look at a recorded state, `afterMs` after it was recorded, as if nothing had changed since. */
export function recordedLook(name: string, afterMs = 0, settings: Partial<Settings> = {}): Observation {
  const { snapshot: recorded, atMs } = recordedState(name);
  const now = { atMs: atMs + afterMs, elapsedMs: afterMs };
  const snapshot = { ...recorded, workloads: [...recorded.workloads, ...recordedWorkloads(name, atMs)] };
  return {
    snapshot,
    sandboxErrors: readSandboxErrors(snapshot, now, TIMING),
    catchUpLeftMs: 0,
    now,
    settings: aSettings(settings),
    timing: TIMING,
  };
}
