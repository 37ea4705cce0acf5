import type { NodePlan, Restart } from '../calico/case.ts';
import { formatSeconds } from '../duration.ts';
import { fullName } from '../objects/metadata.ts';
import { adviceFor } from './advice.ts';
import type { Assessment, Finding, WorkloadState } from './assessment.ts';
import { CAUSES } from './causes.ts';
import { compareFindings } from './finding-order.ts';

/** What a reason may need to know besides the findings. */
export interface ReasonContext {
  readonly assessment: Assessment;
  readonly nodes: readonly NodePlan[];
  readonly restarts: readonly Restart[];
  readonly nowMs: number;
  /** `restart-calico-node` is on. */
  readonly mayRestart: boolean;
  readonly stableForMs: number;
}

/** A reason is one sentence that is read at night: longer messages stand in the report. */
const MESSAGE_LIMIT = 300;
/** The gate's own words about a restart say what to look at, at their end: only what the cluster put in is too long. */
const RESTART_LIMIT = 700;
/** More names than this in a row are counted instead. */
const MOST_NAMES = 3;

/**
 * One sentence for findings that hold back (at least one): who suffers, the worst cause, since when, what to do next,
 * and how much else there is. Made from untrusted text.
 */
export function reasonOfTrouble(findings: readonly Finding[], context: ReasonContext): string {
  const sorted = [...findings].sort(compareFindings);
  const [worst] = sorted;
  if (worst === undefined) return 'not everything in scope is ready';
  const same = sorted.filter((finding) => isSameTrouble(finding, worst));
  const others = countTroubles(
    sorted.filter((finding) => !isSameTrouble(finding, worst) && finding.derivedFrom === null),
  );
  const rest =
    others === 0 ? '' : `; ${others} more ${others === 1 ? 'thing is' : 'things are'} wrong, see the findings`;
  return `${isOfNode(worst) ? ofNodes(same, worst, context) : ofWorkload(same, worst, context)}${rest}`;
}

/** Causes that are the node's affair: all pods there suffer alike, whoever owns them. */
function isOfNode(finding: Finding): boolean {
  return finding.node !== null && (finding.cause === 'CalicoUnauthorized' || finding.cause === 'NodeNotReady');
}

function isSameTrouble(finding: Finding, worst: Finding): boolean {
  if (finding.cause !== worst.cause) return false;
  if (isOfNode(worst)) return isOfNode(finding);
  return finding.namespace === worst.namespace && subjectOf(finding) === subjectOf(worst);
}

function countTroubles(findings: readonly Finding[]): number {
  return new Set(findings.map((finding) => `${finding.cause} ${isOfNode(finding) ? finding.node : subjectOf(finding)}`))
    .size;
}

/** `shop/web`: the workload that people know, else the pod; '' for the scope itself. */
function subjectOf(finding: Finding): string {
  const name = finding.owner?.name ?? finding.pod;
  return name === null ? '' : fullName({ namespace: finding.namespace, name });
}

function ofNodes(findings: readonly Finding[], worst: Finding, context: ReasonContext): string {
  const nodes = [...new Set(findings.map(({ node }) => node ?? ''))].sort();
  const pods = findings.length === 1 ? `pod ${podOf(worst)}` : `${findings.length} pods`;
  const where = nodes.length === 1 ? `on ${nodes[0]}` : `on ${nodes.length} nodes (${someOf(nodes)})`;
  if (worst.cause === 'NodeNotReady') {
    const are = findings.length === 1 ? 'is' : 'are';
    return `${pods} ${where} ${are} not ready: ${shorten(worst.message)} (${sinceOf(worst, context)}); ${adviceFor(worst)}`;
  }
  const what = `${pods} ${where} cannot ${networkNeed(findings)}`;
  const cause = "Calico's CNI token is rejected by the API server (401 Unauthorized)";
  return `${what}: ${cause}, ${sinceOf(oldestOf(findings), context)}; ${calicoAdvice(worst, nodes, context)}`;
}

function networkNeed(findings: readonly Finding[]): string {
  const leaving = findings.filter(({ stage }) => stage === 'terminating').length;
  if (leaving === 0) return 'get a network';
  if (leaving < findings.length) return 'get or give back their network';
  return findings.length === 1 ? 'give back its network and end' : 'give back their network and end';
}

function didNotCure({ settled }: Restart): boolean {
  return settled === 'not-cured' || settled === 'timed-out';
}

/** The node whose restart did not help, for that concerns all of them; else the first one of the plan. */
function nodeToAdvise(nodes: readonly string[], { nodes: plans, restarts }: ReasonContext): string | undefined {
  const failed = restarts.find((restart) => nodes.includes(restart.node) && didNotCure(restart));
  return failed?.node ?? plans.find(({ node }) => nodes.includes(node))?.node;
}

function calicoAdvice(worst: Finding, nodes: readonly string[], context: ReasonContext): string {
  const node = nodeToAdvise(nodes, context) ?? worst.node ?? '';
  const where = nodes.length === 1 ? 'there' : `on ${node}`;
  const restart = context.restarts.findLast((one) => one.node === node);
  if (restart !== undefined && didNotCure(restart)) {
    const inTime = restart.settled === 'timed-out' ? ' in time' : '';
    return `restarting calico-node ${where} did not cure it${inTime}: ${shorten(restart.why, RESTART_LIMIT)}`;
  }
  if (restart?.settled === 'cured') {
    return `restarting calico-node ${where} cured it (${shorten(restart.why, RESTART_LIMIT)}), and it is not restarted twice in a run: if this goes on, look at these pods and at what became of the token since`;
  }
  const plan = context.nodes.find((one) => one.node === node);
  switch (plan?.action) {
    case 'planned': {
      // An input and a flag have the same name; how to set it is known to who runs the gate.
      const setting = context.mayRestart ? '' : ', or let the gate do it with restart-calico-node';
      const others = nodes.length === 1 ? '' : ', then on the others, one node at a time';
      return `restart calico-node ${where}${plan.command === null ? '' : `: ${plan.command}`}${others}${setting}`;
    }
    case 'refused':
      return `calico-node ${where} may not be restarted by this run: ${shorten(plan.why, RESTART_LIMIT)}${byHand(plan)}`;
    case 'waiting':
      return `calico-node ${where} was not restarted yet: ${shorten(plan.why, RESTART_LIMIT)}`;
    case 'restarted':
      return `calico-node ${where} was restarted, without proof of a cure yet: ${shorten(plan.why, RESTART_LIMIT)}`;
    case 'none':
      return `calico-node ${where} needs no restart: ${shorten(plan.why, RESTART_LIMIT)}; look at pod ${podOf(worst)} and at the kubelet of its node`;
    case undefined:
      return adviceFor(worst);
  }
}

function byHand({ command }: NodePlan): string {
  return command === null ? '' : `; by hand: ${command}`;
}

function ofWorkload(findings: readonly Finding[], worst: Finding, context: ReasonContext): string {
  const subject = subjectOf(worst);
  const about = subject === '' ? '' : `${subject}: `;
  const waits = worst.derivedFrom === null ? '' : `, waits for ${worst.derivedFrom}`;
  const what = `${shareOf(findings, worst, context)}${inPlainWords(worst)}${shorten(worst.message)}`;
  const example = worst.pod === null || podOf(worst) === subject ? '' : `${podOf(worst)}, `;
  const because = behindDeadline(worst, context);
  const advice =
    because === null ? adviceFor(worst) : `${podOf(because)}: ${shorten(because.message)}; ${adviceFor(because)}`;
  return `${about}${what} (${example}${sinceOf(worst, context)}${waits}); ${advice}`;
}

/** What plugins and runtimes say about a sandbox, only those understand who know them; what it means goes before it. */
function inPlainWords({ stage, cause }: Finding): string {
  const isAboutSandbox = stage === 'sandbox' || (stage === 'terminating' && cause !== 'StuckTerminating');
  return isAboutSandbox && cause !== 'Unknown' && cause !== 'SandboxSilent' ? `${CAUSES[cause].title}: ` : '';
}

/** That a roll-out makes no progress is what its controller saw; why not, the worst of its pods tells. */
function behindDeadline(worst: Finding, { assessment }: ReasonContext): Finding | null {
  if (worst.cause !== 'ProgressDeadline') return null;
  const ofItsPods = assessment.findings.filter(
    ({ pod, namespace, owner, holdsBack }) =>
      pod !== null &&
      holdsBack &&
      namespace === worst.namespace &&
      owner?.kind === worst.owner?.kind &&
      owner?.name === worst.owner?.name,
  );
  return ofItsPods.sort(compareFindings)[0] ?? null;
}

/**
 * `2 of 4 pods are not ready: `, where the findings are about pods of a workload with more than one. In a roll-out these
 * may be pods beyond those that it wants: then which of them is what tells.
 */
function shareOf(findings: readonly Finding[], worst: Finding, { assessment }: ReasonContext): string {
  if (worst.pod === null || worst.owner === null) return '';
  const workload = assessment.workloads.find(
    ({ kind, namespace, name }) =>
      kind === worst.owner?.kind && namespace === worst.namespace && name === worst.owner.name,
  );
  const count = findings.length;
  if (worst.stage === 'terminating') return count === 1 ? '' : `${count} pods do not end: `;
  if (workload === undefined || workload.desired < count) return count === 1 ? '' : `${count} pods are not ready: `;
  const ofRollOut = shareOfNew(findings, workload.old);
  if (ofRollOut !== null) return ofRollOut;
  if (workload.ready + count > workload.desired) return `${count} ${count === 1 ? 'pod is' : 'pods are'} not ready: `;
  return workload.desired === 1 ? '' : `${count} of ${workload.desired} pods ${count === 1 ? 'is' : 'are'} not ready: `;
}

/** All that is wrong is wrong with pods of the new template, which those of an older one still stand in for. */
function shareOfNew(findings: readonly Finding[], old: WorkloadState['old']): string | null {
  if (old === undefined || findings.some(({ pod }) => pod !== null && old.pods.has(pod))) return null;
  const are = findings.length === 1 ? '1 new pod is' : `${findings.length} new pods are`;
  const still = old.ready === 1 ? ' (1 old one still is)' : ` (${old.ready} old ones still are)`;
  return `${are} not ready${old.ready === 0 ? '' : still}: `;
}

function podOf(finding: Finding): string {
  return fullName({ namespace: finding.namespace, name: finding.pod ?? '' });
}

function oldestOf(findings: readonly Finding[]): Finding {
  return findings.reduce((oldest, finding) => (finding.sinceMs < oldest.sinceMs ? finding : oldest));
}

function sinceOf(finding: Finding, context: ReasonContext): string {
  return `for ${formatSeconds(context.nowMs - finding.sinceMs)}`;
}

function someOf(names: readonly string[]): string {
  const first = names.slice(0, MOST_NAMES).join(', ');
  return names.length > MOST_NAMES ? `${first} and ${names.length - MOST_NAMES} more` : first;
}

function shorten(message: string, limit = MESSAGE_LIMIT): string {
  const line = message.replaceAll(/\s+/g, ' ').trim();
  if (line === '') return 'no reason is given';
  const characters = [...line];
  if (characters.length <= limit) return line;
  // Errors name what was tried first and what went wrong last.
  const head = Math.ceil(limit / 2);
  return `${characters.slice(0, head).join('')} … ${characters.slice(head - limit + 3).join('')}`;
}

/** One sentence for a healthy run: what is ready, for how long it stayed so, what was not judged, what was cured. */
export function reasonOfHealth(context: ReasonContext): string {
  const { assessment, restarts, stableForMs } = context;
  const { ready, starting, total } = assessment.counts;
  const workloads = assessment.workloads.length;
  const within = workloads === 0 ? '' : ` in ${workloads} ${workloads === 1 ? 'workload' : 'workloads'}`;
  const stayed = stableForMs === 0 ? '' : ` and stayed so for ${formatSeconds(stableForMs)}`;
  const all = ready === 1 ? `1 pod${within} is ready${stayed}` : `all ${ready} pods${within} are ready${stayed}`;
  const clauses = [ready > 0 ? all : nothingReady(total, workloads)];
  if (starting > 0) clauses.push(`${starting} starting ${starting === 1 ? 'pod was' : 'pods were'} not judged`);
  const cured = [...new Set(restarts.filter(({ outcome }) => outcome === 'cured').map(({ node }) => node))];
  if (cured.length > 0)
    clauses.push(`restarting calico-node on ${someOf(cured)} cured Calico's authorization failure there`);
  return clauses.join('; ');
}

function nothingReady(total: number, workloads: number): string {
  if (total === 0 && workloads === 0) return 'nothing is in scope, which min-pods: 0 allows';
  return `nothing in scope has to be ready (${total} ${total === 1 ? 'pod' : 'pods'}, ${workloads} ${workloads === 1 ? 'workload' : 'workloads'})`;
}

/** `shop/web for 9s (pod shop/web-1 was restarted) and 2 more`: which workloads kept the window open, and why. */
export function describeUnstable(unstable: Assessment['unstable']): string {
  const first = unstable.slice(0, MOST_NAMES).map(({ name, completeForMs, because, begunAnew }) => {
    const often = begunAnew > 1 ? `begun anew ${begunAnew} times, last because ${because}` : because;
    return `${name} for ${formatSeconds(completeForMs)}${often === '' ? '' : ` (${often})`}`;
  });
  const more = unstable.length > MOST_NAMES ? ` and ${unstable.length - MOST_NAMES} more` : '';
  return `${first.join(', ')}${more}`;
}

/** The title of a cause, for a line about what is waited for. */
export function titleOf(finding: Finding): string {
  return `${subjectOf(finding) || 'the scope'}: ${CAUSES[finding.cause].title}`;
}
