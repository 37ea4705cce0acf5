import { downNotes, installationNotes } from './calico/calico-report.ts';
import type { NodePlan, Restart } from './calico/case.ts';
import { isPending } from './calico/restart-state.ts';
import type { GateEvent } from './events.ts';
import { isBlind, unseenIn } from './health/blindness.ts';
import type { Look } from './look.ts';
import { describeGaps } from './view-news.ts';

/** What a reader should hear after a look: only what is new since the look before (null: the first one). Pure. */
export function newsOf(before: Look | null, after: Look, deadlineInMs: number): readonly GateEvent[] {
  const { observation, assessment, plan, viewNews } = after;
  const { coverage } = observation.snapshot;
  const unseen = isBlind(coverage) ? unseenIn(coverage, observation.now.atMs) : null;
  return [
    ...viewNews,
    { type: 'assessed', assessment, unseen, nodes: plan.nodes, deadlineInMs },
    ...calicoNews(before, after),
    ...restartNews(before?.memory.restarts ?? [], after),
    ...planNews(before, after),
    ...warningNews(before, after),
    ...noteNews(before, after),
    ...stabilityNews(before, after),
  ];
}

function calicoNews(before: Look | null, after: Look): readonly GateEvent[] {
  const known = new Set(before?.cases.map((one) => one.node) ?? []);
  const failures = after.cases
    .filter((one) => !known.has(one.node))
    .map(
      (one): GateEvent => ({
        type: 'calico-failure',
        node: one.node,
        pods: one.stuckPods.map(({ pod }) => `${pod.namespace}/${pod.name}`),
        message: one.stuckPods[0]?.error.text ?? '',
      }),
    );
  return [...installationNews(before, after), ...failures];
}

/** Said once: where Calico is, or that there is none. */
function installationNews(before: Look | null, after: Look): readonly GateEvent[] {
  const told = before === null ? null : foundIn(before);
  const found = foundIn(after);
  if (found === null || JSON.stringify(told) === JSON.stringify(found)) return [];
  return found.length > 0 ? [{ type: 'calico-found', installations: found }] : [{ type: 'calico-absent' }];
}

/** Null: it could not be looked for (yet). */
function foundIn({ installations, observation }: Look): CalicoFound['installations'] | null {
  const found = installations.found.map(({ daemonSet: { namespace, name } }) => ({ namespace, daemonSet: name }));
  return found.length > 0 || observation.snapshot.calico.searched ? found : null;
}

type CalicoFound = Extract<GateEvent, { type: 'calico-found' }>;

/**
 * What is to be done about a node, when that changes. What it waits for is told when it lasts: right after the failure
 * was found it waits for the rest of the picture, and before its restart for nothing.
 */
function planNews(before: Look | null, after: Look): readonly GateEvent[] {
  const known = new Map(before?.plan.nodes.map((plan) => [plan.node, plan]));
  // Of a restart its own steps are told.
  const inProgress = new Set(after.memory.restarts.filter(isPending).map(({ node }) => node));
  return after.plan.nodes
    .filter(isTold)
    .map(({ node, action, why, command }): GateEvent => ({ type: 'planned', node, action, why, command }));

  function isTold({ node, action, why }: NodePlan): boolean {
    if (action === 'none' || action === 'restarted' || node === after.plan.next?.node) return false;
    if (inProgress.has(node)) return false;
    const was = known.get(node);
    const isNew = was?.action !== action || withoutNumbers(was.why) !== withoutNumbers(why);
    if (action !== 'waiting') return isNew;
    return !isJustFound(node, after) && (isNew || (before !== null && isJustFound(node, before)));
  }
}

function isJustFound(node: string, { memory, observation: { now, timing } }: Look): boolean {
  const foundAtMs = memory.calico.nodes.get(node)?.foundAtMs ?? now.atMs;
  return now.atMs - foundAtMs < timing.observationGapMs;
}

/** Ages (`59s`, `1m2s`) and counts in a sentence grow with every look, which is no news. */
function withoutNumbers(why: string): string {
  return why.replaceAll(/(?:[0-9]+(?:ms|[hms])?)+/g, '');
}

function restartNews(before: readonly Restart[], { memory, observation }: Look): readonly GateEvent[] {
  return memory.restarts.flatMap((restart, index): readonly GateEvent[] => {
    const was = before[index];
    const news: GateEvent[] = [];
    if (was?.answer === 'lost' && restart.answer !== 'lost') {
      news.push({ type: 'restarted', node: restart.node, ...lateAnswer(restart) });
    }
    const installedAtMs = restart.after?.installedAtMs ?? null;
    if (restart.after !== null && installedAtMs !== null && (was?.after?.installedAtMs ?? null) === null) {
      news.push({
        type: 'installed',
        node: restart.node,
        pod: `${restart.before.namespace}/${restart.after.pod}`,
        // The node's clock may be another.
        afterMs: observation.now.elapsedMs - restart.elapsedMs,
      });
    }
    if (restart.settled !== null && (was?.settled ?? null) === null) {
      news.push({ type: 'outcome', node: restart.node, outcome: restart.settled, why: restart.why });
    }
    return news;
  });
}

/** What the view showed of a DELETE that had got no answer. */
function lateAnswer({ before, answer, why }: Restart): { readonly pod: string; readonly answer: string } {
  const pod = `${before.namespace}/${before.pod}`;
  return { pod, answer: answer === 'deleted' ? `${pod} is gone: the DELETE that got no answer was carried out` : why };
}

function warningNews(before: Look | null, after: Look): readonly GateEvent[] {
  const known = new Set(before?.assessment.warnings.map(withoutFigures));
  return after.assessment.warnings
    .filter((message) => !known.has(withoutFigures(message)))
    .map((message): GateEvent => ({ type: 'warning', message }));
}

/** What stands in parentheses are figures, which change with every look. */
function withoutFigures(sentence: string): string {
  return sentence.replaceAll(/\([^()]*\)/g, '');
}

function noteNews(before: Look | null, after: Look): readonly GateEvent[] {
  const known = new Set(before?.assessment.notes.map(withoutFigures));
  return after.assessment.notes
    .filter((note) => !known.has(withoutFigures(note)))
    .map((message): GateEvent => ({ type: 'note', message }));
}

/** All is ready, or a window of `stable-for` began anew although nothing ever was not ready in a look. */
function stabilityNews(before: Look | null, after: Look): readonly GateEvent[] {
  const { stableForMs } = after.observation.settings;
  const { unstable } = after.assessment;
  const [youngest] = unstable;
  if (stableForMs === 0 || youngest === undefined || !after.assessment.complete) return [];
  const isNews = before?.assessment.complete !== true;
  const begun = unstable.filter(({ completeForMs, begunAnew }) => completeForMs === 0 && (begunAnew > 0 || !isNews));
  if (!isNews && begun.length === 0) return [];
  const leftMs = stableForMs - youngest.completeForMs;
  return [
    { type: 'stable-window', stableForMs, leftMs, begunAnew: begun.map(({ name, because }) => ({ name, because })) },
  ];
}

/** Everything that a finished report should warn of: what was told, and what could not be seen to the end. */
export function warningsOf(
  told: readonly string[],
  { observation, installations, assessment, plan, memory }: Look,
): readonly string[] {
  const blind = describeGaps(observation.snapshot.coverage.gaps);
  // Of no interest where nothing is to be restarted.
  const down = plan.nodes.length === 0 ? [] : downNotes(installations, observation, memory.calico);
  // The newest figures of what was told before.
  const present = new Set(assessment.warnings.map(withoutFigures));
  const before = told.filter((warning) => !present.has(withoutFigures(warning)));
  return [...before, ...assessment.warnings, ...blind, ...installationNotes(installations), ...down];
}
