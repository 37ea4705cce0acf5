/** A run that looks at one cluster again and again, and judges each look: what the loop of the gate does, without a gate. */
import type { SandboxError } from '../../src/calico/case.ts';
import { lookAtHealth } from '../../src/health/assess.ts';
import type { Assessment, Finding } from '../../src/health/assessment.ts';
import { EMPTY_HEALTH_MEMORY, type HealthMemory } from '../../src/health/memory.ts';
import { type JudgeInput, type Judgement, judge } from '../../src/health/verdict.ts';
import type { Pod } from '../../src/objects/pod.ts';
import type { Snapshot } from '../../src/objects/snapshot.ts';
import type { Settings } from '../../src/settings.ts';
import { TIMING } from '../../src/timing.ts';
import { aController, aCoverage, aPod, aSettings, aSnapshot, NOW_MS } from '../builders.ts';

export interface Picture extends Partial<Omit<Snapshot, 'calico'>> {
  readonly sandboxErrors?: ReadonlyMap<string, SandboxError>;
}

export interface HealthRun {
  /** A look `afterMs` after the first possible one; its picture is complete unless it says otherwise. */
  readonly look: (afterMs: number, picture: Picture) => Assessment;
  /** The judgement of the last look; confirmed by a fresh list unless it says otherwise. */
  readonly judge: (overrides?: Partial<JudgeInput>) => Judgement;
  readonly memory: () => HealthMemory;
}

export function aHealthRun(settings: Partial<Settings> = {}): HealthRun {
  const chosen = aSettings(settings);
  let memory = EMPTY_HEALTH_MEMORY;
  let last: { readonly assessment: Assessment; readonly snapshot: Snapshot; readonly now: JudgeInput['now'] } | null =
    null;
  return {
    look: (afterMs, { sandboxErrors = new Map(), ...picture }) => {
      const snapshot = aSnapshot(picture);
      const now = { atMs: NOW_MS + afterMs, elapsedMs: afterMs };
      const look = lookAtHealth(memory, {
        snapshot,
        sandboxErrors,
        catchUpLeftMs: 0,
        now,
        settings: chosen,
        timing: TIMING,
      });
      memory = look.memory;
      last = { assessment: look.assessment, snapshot, now };
      return look.assessment;
    },
    judge: (overrides = {}) => {
      if (last === null) throw new Error('there was no look to judge');
      return judge({
        assessment: last.assessment,
        memory,
        coverage: last.snapshot.coverage,
        settings: chosen,
        timing: TIMING,
        catchUpLeftMs: 0,
        now: last.now,
        deadlineReached: false,
        cureInProgress: false,
        nodes: [],
        restarts: [],
        cancelled: null,
        apiFailure: null,
        confirmed: true,
        ...overrides,
      });
    },
    memory: () => memory,
  };
}

/** What the first look of a run says. */
export function assessOnce(picture: Picture, settings: Partial<Settings> = {}): Assessment {
  return aHealthRun(settings).look(0, picture);
}

/** A pod of Deployment `shop/web` with pod template `template`; give it any shape with a builder's overrides. */
export function ofWeb(
  name: string,
  overrides: Partial<Pod> = {},
  template = 'abc',
): Partial<Pod> & { readonly name: string } {
  return { controller: aController('ReplicaSet', `web-${template}`), revision: template, ...overrides, name };
}

/** `count` Ready pods of Deployment `shop/web`. */
export function webPods(count: number, template = 'abc', overrides: Partial<Pod> = {}): readonly Pod[] {
  return Array.from({ length: count }, (_, index) => aPod(ofWeb(`web-${template}-${index}`, overrides, template)));
}

/** A pod of StatefulSet `shop/db`. */
export function ofDb(
  ordinal: number,
  overrides: Partial<Pod> = {},
  revision = 'db-1',
): Partial<Pod> & { readonly name: string } {
  return { controller: aController('StatefulSet', 'db'), revision, ...overrides, name: `db-${ordinal}` };
}

/** A pod of DaemonSet `shop/agent` on `nodeName`. */
export function ofAgent(
  nodeName: string,
  overrides: Partial<Pod> = {},
  revision = '1',
): Partial<Pod> & { readonly name: string } {
  return { controller: aController('DaemonSet', 'agent'), revision, nodeName, ...overrides, name: `agent-${nodeName}` };
}

/** A pod of Job `shop/migrate`. */
export function ofMigrate(name: string, overrides: Partial<Pod> = {}): Partial<Pod> & { readonly name: string } {
  return { controller: aController('Job', 'migrate'), jobName: 'migrate', restartPolicy: 'Never', ...overrides, name };
}

export function agents(...nodes: readonly string[]): readonly Pod[] {
  return nodes.map((node) => aPod(ofAgent(node)));
}

/** `stage cause namespace/subject`, with `!` when it is fatal, `~` when it does not hold back, and `← root`. */
export function brief(finding: Finding): string {
  const subject = finding.pod ?? finding.owner?.name ?? '';
  const marks = `${finding.fatal ? '!' : ''}${finding.holdsBack ? '' : '~'}`;
  const root = finding.derivedFrom === null ? '' : ` ← ${finding.derivedFrom}`;
  return `${marks}${finding.stage} ${finding.cause} ${finding.namespace}/${subject}${root}`;
}

/** The reason of a judgement that is an end; throws when it is none. */
export function endOf(judgement: Judgement): { readonly verdict: string; readonly reason: string } {
  if (judgement.kind !== 'end') throw new Error(`the run goes on: ${JSON.stringify(judgement)}`);
  return { verdict: judgement.verdict, reason: judgement.reason };
}

/** A coverage in which one resource may not be read, of one namespace or of all. */
export function forbidden(
  resource: Snapshot['coverage']['gaps'][number]['resource'],
  namespace: string | null = null,
): Snapshot['coverage'] {
  const gap = { resource, namespace, why: 'forbidden', sinceMs: NOW_MS, message: `${resource} is forbidden` } as const;
  return aCoverage({
    gaps: [gap],
    complete: resource === 'events' || resource === 'nodes' || resource === 'namespaces',
  });
}
