import type { Finding, Observation } from '../../src/health/assessment.ts';
import type { Coverage, Snapshot } from '../../src/objects/snapshot.ts';
import type { Settings } from '../../src/settings.ts';
import { TIMING } from '../../src/timing.ts';
import { aNode } from './nodes-and-workloads.ts';
import { ago, MINUTE, NOW_MS, SECOND } from './times.ts';

export function aCoverage(overrides: Partial<Coverage> = {}): Coverage {
  return { gaps: [], complete: true, freshAtMs: NOW_MS, reconnections: 0, podsRegainedElapsedMs: null, ...overrides };
}

/** A complete picture of a cluster without Calico, with nothing in it but what is given. */
export function aSnapshot(
  overrides: Partial<Omit<Snapshot, 'calico'>> & { readonly calico?: Partial<Snapshot['calico']> } = {},
): Snapshot {
  return {
    pods: [],
    workloads: [],
    events: [],
    nodes: [aNode(), aNode({ name: 'n2' })],
    namespaces: [],
    witnesses: [],
    coverage: aCoverage(),
    ...overrides,
    calico: {
      daemonSets: [],
      searched: true,
      pods: [],
      podNamespaces: namespacesOf(overrides.calico?.daemonSets ?? []),
      podGaps: [],
      ...overrides.calico,
    },
  };
}

function namespacesOf(objects: readonly { readonly namespace: string }[]): readonly string[] {
  return [...new Set(objects.map(({ namespace }) => namespace))];
}

/** The contract's defaults. */
export function aSettings(overrides: Partial<Settings> = {}): Settings {
  return {
    kubeconfig: null,
    context: null,
    namespaces: [],
    excludeNamespaces: [],
    selector: null,
    selectorText: '',
    timeoutMs: 10 * MINUTE,
    stableForMs: 15 * SECOND,
    stuckAfterMs: 0,
    minPods: 1,
    failFast: true,
    restartCalicoNode: false,
    maxNodeRestarts: 3,
    restartTimeoutMs: 3 * MINUTE,
    calicoNamespace: null,
    failOn: ['unhealthy', 'inconclusive'],
    reportFile: null,
    jobSummary: true,
    ...overrides,
  };
}

/**
 * An observation a minute into the run. `elapsedMs` moves both clocks, so that a sequence of looks is
 * `anObservation({ elapsedMs: 0 })`, `anObservation({ elapsedMs: 2_000 })` …
 */
export function anObservation(overrides: Partial<Observation> & { readonly elapsedMs?: number } = {}): Observation {
  const { elapsedMs = MINUTE, ...rest } = overrides;
  return {
    snapshot: aSnapshot(),
    sandboxErrors: new Map(),
    catchUpLeftMs: 0,
    now: { atMs: NOW_MS - MINUTE + elapsedMs, elapsedMs },
    settings: aSettings(),
    timing: TIMING,
    ...rest,
  };
}

/** A finding about a pod that is not ready, not fatal. */
export function aFinding(overrides: Partial<Finding> = {}): Finding {
  return {
    namespace: 'shop',
    pod: 'web-1',
    uid: 'Pod/shop/web-1',
    node: 'n1',
    owner: null,
    stage: 'probe',
    cause: 'NotReady',
    message: 'readiness probe fails',
    sinceMs: ago(MINUTE),
    fatal: false,
    derivedFrom: null,
    holdsBack: true,
    fatalAtMs: null,
    ...overrides,
  };
}
