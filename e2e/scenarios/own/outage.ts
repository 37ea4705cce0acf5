import { GATE_ACCOUNT, kubeconfigOfAccount, userOf } from '../../accounts.ts';
import { calicoNodes, calicoNodeUids } from '../../calico/calico-node.ts';
import { until } from '../../cluster/waiting.ts';
import { type AuditedRequest, auditGate, changesAmong, type GateRun, type StartedGate, startGate } from '../../gate.ts';
import { type Cluster, isReady } from '../../harness.ts';
import { holdDeletes } from '../../held-deletes.ts';
import { startApi, stopApi } from '../../own.ts';
import { startRelay } from '../../relay.ts';
import type { Switchboard } from '../../switchboard.ts';

/** What the API server's end does to a DELETE that it has received. */
export const FATES = ['answered', 'unanswered', 'undone'] as const;
/**
 * `answered`: it ends between the DELETE, whose answer has come, and the new pod's being Ready. `unanswered`: the DELETE
 * is carried out, and the answer gets lost. `undone`: it ends before it carries the DELETE out.
 */
export type Fate = (typeof FATES)[number];

/** Namespaces of what is looked at during the outage; those of the nodes are called after their fates. */
export const CALM = 'outage-calm';
export const FINISHING = 'outage-finishing';
export const BREAKING = 'outage-breaking';

export function namespaceOf(fate: Fate): string {
  return `outage-${fate}`;
}

/** Switches of the pods whose readiness changes while nobody can see it. */
export const SWITCHES = { [FINISHING]: 'finishing', [BREAKING]: 'breaking' } as const;

/** A restart during which the API server was away. */
export interface InterruptedRestart {
  readonly run: GateRun;
  readonly node: string;
  /** Of calico-node there, before and after. */
  readonly uids: readonly [before: string | undefined, after: string | undefined];
  /** The DELETEs of calico-node pods of this node that the API server received. */
  readonly received: readonly AuditedRequest[];
  /** Those that it answered, whether the answer arrived or not. */
  readonly answered: readonly AuditedRequest[];
}

export interface Outage {
  /** By the machine's clock, which is the API server's as well. */
  readonly fromMs: number;
  readonly toMs: number;
  readonly restarts: Readonly<Record<Fate, InterruptedRestart>>;
  /** Of which the outage was in the middle, by namespace. */
  readonly waits: Readonly<Record<typeof CALM | typeof FINISHING | typeof BREAKING, GateRun>>;
  /** Which the outage outlasted, by namespace, and for how long they ran. */
  readonly deadlines: Readonly<Record<typeof CALM | typeof FINISHING, GateRun & { readonly tookMs: number }>>;
  /** Whether the new pod of the node whose DELETE was answered was Ready when the API server ended. */
  readonly wasBack: boolean;
}

const LEAST_OUTAGE_MS = 20_000;
/** The gates end in it, at the latest 5 s after their time. */
export const DEADLINE_MS = 20_000;

const WITHIN_MS = 60_000;

const FIRST_LOOK = / pods ready/;
const RESTART = { timeout: '4m', 'stable-for': '5s', 'restart-calico-node': 'true' };

/**
 * The API server is killed while gates wait and while others restart calico-node, each on a node of its own and with
 * another fate of its DELETE, and comes back no sooner than 20 s later. On each of the nodes pods of `namespaceOf` are
 * stuck already. It begins no sooner than `after`.
 */
export async function playOutage(
  cluster: Cluster,
  nodes: Readonly<Record<Fate, string>>,
  switchboard: Switchboard,
  after: Promise<unknown>,
): Promise<Outage> {
  const user = userOf(GATE_ACCOUNT);
  const before = await calicoNodes(cluster);
  const podOf = (fate: Fate): string => {
    const { namespace, name } = before.get(nodes[fate])?.metadata ?? {};
    return `${namespace}/${name}`;
  };
  const relay = await startRelay(cluster.api.server);
  const deletes = await holdDeletes(cluster, user);
  const answered = auditGate(user);
  const received = auditGate(user, 'RequestReceived');
  try {
    const direct = { kubeconfig: await kubeconfigOfAccount(cluster, GATE_ACCOUNT) };
    const relayed = { kubeconfig: await kubeconfigOfAccount(cluster, GATE_ACCOUNT, relay.server) };
    const restarting = Object.fromEntries(
      FATES.map((fate) => [
        fate,
        startGate(fate === 'unanswered' ? relayed : direct, { ...RESTART, namespaces: namespaceOf(fate) }),
      ]),
    ) as Record<Fate, StartedGate>;
    await after;
    await until({ what: 'a DELETE', timeoutMs: WITHIN_MS }, () => deletes.received().length > 0);
    const waiting = {
      [CALM]: startGate(direct, { namespaces: CALM, timeout: '4m', 'stable-for': '45s' }),
      [FINISHING]: startGate(direct, { namespaces: FINISHING, timeout: '4m', 'stable-for': '5s' }),
      // The window is over when the outage is, and not before it begins.
      [BREAKING]: startGate(direct, { namespaces: BREAKING, timeout: '65s', 'stable-for': '24s' }),
    };
    await Promise.all(Object.values(waiting).map((gate) => gate.said(FIRST_LOOK)));
    await until({ what: 'all DELETEs', timeoutMs: WITHIN_MS }, () => {
      return FATES.every((fate) => deletes.received().includes(podOf(fate)));
    });
    const timeout = `${DEADLINE_MS / 1_000}s`;
    const ending = {
      [CALM]: startGate(direct, { namespaces: CALM, timeout, 'stable-for': '18s' }),
      [FINISHING]: startGate(direct, { namespaces: FINISHING, timeout }),
    };
    const endingFrom = Date.now();
    const took = (gate: StartedGate) => gate.ended.then((run) => ({ ...run, tookMs: Date.now() - endingFrom }));
    const ended = Promise.all([took(ending[CALM]), took(ending[FINISHING])]);
    await Promise.all(Object.values(ending).map((gate) => gate.said(FIRST_LOOK)));

    relay.holdAnswers();
    deletes.letThrough(podOf('unanswered'));
    await until({ what: 'the answer that is held', timeoutMs: WITHIN_MS }, () => {
      return answered().some(({ verb, requestURI }) => verb === 'delete' && podIn(requestURI) === podOf('unanswered'));
    });
    deletes.letThrough(podOf('answered'));
    await restarting.answered.said(/ was deleted: waiting for the new/);
    let wasBack = false;
    await until({ what: 'the new pod of calico-node', timeoutMs: WITHIN_MS, everyMs: 20 }, async () => {
      const pod = (await calicoNodes(cluster)).get(nodes.answered);
      if (pod === undefined || pod.metadata.uid === before.get(nodes.answered)?.metadata.uid) return false;
      wasBack = isReady(pod);
      return true;
    });
    await stopApi(cluster);
    const awayFrom = Date.now();
    relay.cut();
    switchboard.set(SWITCHES[FINISHING], true);
    switchboard.set(SWITCHES[BREAKING], false);
    const [calm, finishing] = await ended;
    await until(
      { what: 'the end of the outage', timeoutMs: WITHIN_MS },
      () => Date.now() - awayFrom >= LEAST_OUTAGE_MS,
    );
    await startApi(cluster);
    const toMs = Date.now();
    deletes.letAllThrough();

    const runs = await Promise.all(FATES.map((fate) => restarting[fate].ended));
    const waits = await Promise.all([waiting[CALM].ended, waiting[FINISHING].ended, waiting[BREAKING].ended]);
    const uids = await calicoNodeUids(cluster);
    const restarts = FATES.map((fate, index): readonly [Fate, InterruptedRestart] => {
      const pods = new Set([podOf(fate), podAfter(runs[index])]);
      return [
        fate,
        {
          run: runs[index] as GateRun,
          node: nodes[fate],
          uids: [before.get(nodes[fate])?.metadata.uid, uids[nodes[fate]]],
          received: changesAmong(received()).filter(({ requestURI }) => pods.has(podIn(requestURI))),
          answered: changesAmong(answered()).filter(({ requestURI }) => pods.has(podIn(requestURI))),
        },
      ];
    });
    return {
      fromMs: awayFrom,
      toMs,
      wasBack,
      restarts: Object.fromEntries(restarts) as Outage['restarts'],
      waits: { [CALM]: waits[0], [FINISHING]: waits[1], [BREAKING]: waits[2] },
      deadlines: { [CALM]: calm, [FINISHING]: finishing },
    };
  } finally {
    await startApi(cluster);
    await deletes.close();
    relay.close();
  }
}

function podAfter(run: GateRun | undefined): string {
  return run?.report.calico.nodes[0]?.after?.calicoNodePod ?? '';
}

function podIn(requestURI: string): string {
  return /\/namespaces\/(?<namespace>[^/]+)\/pods\/(?<name>[^/?]+)/u.exec(requestURI)?.slice(1, 3).join('/') ?? '';
}
