import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import {
  clusterWide,
  faultsOf,
  granted,
  MODES,
  type Mode,
  nameOf,
  neededBy,
  type Right,
  rightsNamed,
} from '../../../__tests__/scenarios/rbac.ts';
import {
  applyMode,
  GATE_ACCOUNT,
  kubeconfigOfAccount,
  makeAccount,
  removeModes,
  removeRoles,
  userOf,
} from '../../accounts.ts';
import { auditGate, changesAmong, type GateRun, rightsUsed, runGate } from '../../gate.ts';
import { type Cluster, connectCluster } from '../../harness.ts';
import { inLanes, makeFailedPod, missingRightsIn, NEEDED, type RunsOfMode } from '../../rights.ts';
import { aDeployment, allReady, leaveNamespace, makeNamespace } from '../../workloads.ts';

const HEALTHY = 'rights';
const CRASHED = 'rights-crashed';
/** Nothing else has this label: one run judges all namespaces. */
const APP = 'rights-web';

/** A mode that lacks one of its rights. */
interface Lack {
  readonly mode: Mode;
  readonly missing: Right;
  readonly account: string;
  readonly without: string;
}

const LACKS: readonly Lack[] = MODES.flatMap((mode) =>
  granted(mode).map((missing, index) => {
    return { mode, missing, account: `${mode}-without-${index + 1}`, without: nameOf(missing) };
  }),
);

describe('the least privilege of a mode', () => {
  let cluster: Cluster;
  const modes = new Map<Mode, RunsOfMode>();
  const lacking = new Map<string, GateRun>();

  beforeAll(async () => {
    cluster = await connectCluster();
    await removeModes(cluster);
    await applyMode(cluster, 'observe');
    await Promise.all([makeNamespace(cluster, HEALTHY), makeNamespace(cluster, CRASHED)]);
    await cluster.api.apply(aDeployment({ name: APP, namespace: HEALTHY, replicas: 2 }));
    await makeFailedPod(cluster, CRASHED);
    await Promise.all([
      allReady(cluster, HEALTHY, 2),
      ...LACKS.map(async ({ mode, missing, account }) => {
        await makeAccount(cluster, account, without(granted(mode), missing));
      }),
    ]);

    for (const mode of ['observe', 'diagnose'] as const) {
      await applyMode(cluster, mode);
      modes.set(mode, await runAsMode(cluster));
    }
    await inLanes(LACKS, async ({ account, mode }) => {
      const kubeconfig = await kubeconfigOfAccount(cluster, account);
      const inputs = { namespaces: HEALTHY, 'stable-for': '1s', timeout: '2m' };
      const restart = { 'restart-calico-node': String(mode === 'restart') };
      lacking.set(account, await runGate({ kubeconfig }, { ...inputs, ...restart }));
    });
  });

  afterAll(async () => {
    await Promise.all(LACKS.map(async ({ account }) => await removeRoles(cluster, account)));
    await removeModes(cluster);
    await Promise.all([HEALTHY, CRASHED].map(async (name) => await leaveNamespace(cluster, name)));
    cluster.api.close();
  });

  test.each(['observe', 'diagnose'] as const)('is enough to judge: %s', (mode) => {
    const [some, all] = modes.get(mode)?.runs ?? [];

    expect(some?.outputs.verdict).toBe('unhealthy');
    expect(some?.report.findings).toEqual([
      expect.objectContaining({ namespace: CRASHED, pod: 'migrate', cause: 'Failed' }),
    ]);
    expect(some?.report.findings[0]?.message).toContain('last log lines: cannot reach the database');
    expect(all?.outputs).toMatchObject({ verdict: 'healthy', 'pods-ready': '2' });
  });

  test('is refused nothing in the mode diagnose, which has no warnings either', () => {
    const { runs, requests } = modes.get('diagnose') ?? { runs: [], requests: [] };

    expect(runs.flatMap(({ report }) => report.warnings)).toEqual([]);
    expect(runs.map(({ stdout }) => stdout).join()).not.toContain('missing right');
    expect(requests.filter(({ code }) => code === 403)).toEqual([]);
  });

  test('is refused events alone in the mode observe, and the rules that diagnose adds are named', () => {
    const { runs, requests } = modes.get('observe') ?? { runs: [], requests: [] };

    const refused = requests.filter(({ code }) => code === 403).map(({ requestURI }) => requestURI);
    expect(refused.filter((uri) => !/\/events(?:\?|$)/.test(uri))).toEqual([]);
    const added = granted('diagnose').filter((right) => !includes(granted('observe'), right));
    for (const run of runs) expect(namedIn(run)).toEqual(new Set(added.map(withoutPlace)));
  });

  test.each(['observe', 'diagnose'] as const)('is what the gate uses in the mode %s, by the audit log', (mode) => {
    if (!cluster.own) return;
    const { requests } = modes.get(mode) ?? { requests: [] };

    expect(faultsOf(clusterWide(mode), neededBy(rightsUsed(requests), true))).toEqual([]);
  });

  test('changes nothing in the modes that do not restart', () => {
    if (!cluster.own) return;
    for (const { requests } of modes.values()) {
      expect(requests.length).toBeGreaterThan(0);
      expect(changesAmong(requests)).toEqual([]);
    }
  });

  test.each(LACKS)('$mode without the right to $without says which rule to add, and does what it can', (lack) => {
    const { mode, missing, account } = lack;
    const run = lacking.get(account) as GateRun;
    const { exitCode, outputs, report } = run;

    const isBlind = missing.verb === 'list' && NEEDED.has(missing.resource);
    expect({ verdict: outputs.verdict, exitCode }).toEqual(
      isBlind ? { verdict: 'inconclusive', exitCode: 1 } : { verdict: 'healthy', exitCode: 0 },
    );
    if (isBlind) {
      expect(outputs.reason).toContain(`${missing.resource} in namespace ${HEALTHY} may not be read`);
      expect(rightsNamed(outputs.reason ?? '').map(withoutPlace)).toContain(withoutPlace(missing));
    }
    const eventsMissing = granted('diagnose').filter((right) => !includes(granted(mode), right));
    expect(namedIn(run)).toEqual(new Set([missing, ...eventsMissing].map(withoutPlace)));
    // What is only listed instead of watched, or needed only in a case that did not happen, is worth a line and no more.
    const isWarning = missing.verb === 'list' || eventsMissing.length > 0;
    expect(report.warnings.length > 0).toBe(isWarning);
  });
});

/** The account of the mode that was applied, on some namespaces and on all. */
async function runAsMode(cluster: Cluster): Promise<RunsOfMode> {
  const kubeconfig = await kubeconfigOfAccount(cluster, GATE_ACCOUNT);
  const requests = cluster.own ? auditGate(userOf(GATE_ACCOUNT)) : () => [];
  const runs = await Promise.all([
    runGate({ kubeconfig }, { namespaces: `${HEALTHY} ${CRASHED}`, timeout: '2m' }),
    runGate(
      { kubeconfig },
      { selector: `app=${APP}`, 'exclude-namespaces': 'default', 'stable-for': '1s', timeout: '2m' },
    ),
  ]);
  return { runs, requests: requests() };
}

function without(rights: readonly Right[], missing: Right): readonly Right[] {
  return rights.filter((right) => nameOf(right) !== nameOf(missing));
}

function includes(rights: readonly Right[], one: Right): boolean {
  return rights.some((right) => nameOf(right) === nameOf(one));
}

/** The rights in the lines `missing right: …` of a log; the rules in `rbac/` hold in all namespaces, others in some. */
function namedIn(run: GateRun): ReadonlySet<string> {
  return new Set(missingRightsIn(run).map(withoutPlace));
}

function withoutPlace({ verb, group, resource }: Right): string {
  return nameOf({ verb, group, resource, namespace: null });
}
