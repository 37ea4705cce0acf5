import { formatDuration } from '../duration.ts';
import type { Observation } from '../health/assessment.ts';
import { fullName } from '../objects/metadata.ts';
import type { Report, ReportedNode } from '../report/report.ts';
import type { Installations, NodePlan, Restart } from './case.ts';
import { closeRestarts } from './cure.ts';
import { podsDownForLong } from './guards.ts';
import type { CalicoMemory, NodeMemory } from './node-memory.ts';

export interface CalicoFacts {
  readonly memory: CalicoMemory;
  /** `RestartPlan.nodes` of the last look: every node on which the failure was found in this run. */
  readonly nodes: readonly NodePlan[];
  readonly restarts: readonly Restart[];
  readonly installations: Installations;
}

/**
 * The report's `calico` part: whether the failure was found at any time, where, with what proof, what was done about it
 * and what became of it; what is not known by now stays unknown. A node that turned out to be well before its proof was
 * complete is left out. Texts are as the cluster wrote them: untrusted.
 */
export function reportCalico({ memory, nodes, restarts, installations }: CalicoFacts): Report['calico'] {
  const closed = closeRestarts(restarts);
  return {
    detected: memory.foundAtMs !== null,
    installations: installations.found.map(({ daemonSet: { namespace, name } }) => ({ namespace, daemonSet: name })),
    nodes: nodes.flatMap((plan) => {
      const remembered = memory.nodes.get(plan.node);
      const restart = closed.findLast(({ node }) => node === plan.node) ?? null;
      return isAffected(plan, remembered, restart) ? [reportNode(plan, remembered, restart)] : [];
    }),
  };
}

function isAffected({ action }: NodePlan, memory: NodeMemory | undefined, restart: Restart | null): boolean {
  return action !== 'none' || restart !== null || (memory !== undefined && memory.provenAtMs !== null);
}

function reportNode(plan: NodePlan, memory: NodeMemory | undefined, restart: Restart | null): ReportedNode {
  const evidence = [...(memory?.evidence.values() ?? [])].sort((one, other) => other.lastSeenMs - one.lastSeenMs);
  const replaced =
    restart !== null && (restart.answer === 'deleted' || restart.answer === 'elsewhere') ? restart : null;
  return {
    node: plan.node,
    pods: evidence.map(({ pod }) => pod),
    evidence: evidence.map(({ lastSeenMs, ...event }) => ({ ...event, lastSeen: rfc3339(lastSeenMs) })),
    action: plan.action,
    why: replaced?.outcome === 'unknown' ? replaced.why : plan.why,
    command: plan.command,
    outcome: restart?.outcome ?? null,
    before: replaced && {
      calicoNodePod: `${replaced.before.namespace}/${replaced.before.pod}`,
      startedAt: rfc3339(replaced.before.createdAtMs),
    },
    after: replaced?.after
      ? {
          calicoNodePod: `${replaced.before.namespace}/${replaced.after.pod}`,
          startedAt: rfc3339(replaced.after.createdAtMs),
          installedAt: replaced.after.installedAtMs === null ? null : rfc3339(replaced.after.installedAtMs),
        }
      : null,
  };
}

function rfc3339(atMs: number): string {
  return new Date(atMs).toISOString();
}

/** The nodes whose calico-node pod was removed by this run's DELETE. */
export function restartedNodes(restarts: readonly Restart[]): readonly string[] {
  return restarts.filter(({ answer }) => answer === 'deleted').map(({ node }) => node);
}

/** Sentences about DaemonSets that bear Calico's names without being an installation that may be restarted. Untrusted names. */
export function installationNotes({ found, lookAlikes }: Installations): readonly string[] {
  return [
    ...found
      .filter(({ kind }) => kind === 'policy-only')
      .map(
        ({ daemonSet }) => `DaemonSet ${fullName(daemonSet)} is policy-only Calico (no install-cni): never restarted`,
      ),
    ...lookAlikes.map(
      ({ daemonSet, lacks }) =>
        `DaemonSet ${fullName(daemonSet)} bears Calico's name but lacks ${lacks}: not taken for Calico, never restarted`,
    ),
  ];
}

/** Sentences about calico-node pods that hold no restart back although they are down: for that has lasted too long. */
export function downNotes({ found }: Installations, observation: Observation, memory: CalicoMemory): readonly string[] {
  return found
    .flatMap(({ daemonSet }) => podsDownForLong(daemonSet, observation, memory))
    .map(
      (pod) =>
        `${fullName(pod)} on node ${pod.nodeName ?? '?'} has not been Ready for more than ${formatDuration(observation.timing.siblingNotReadyMs)}: restarts on other nodes do not wait for it`,
    );
}
