import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import { loadAll } from 'js-yaml';
import {
  faultsOf,
  grantedIn,
  MODES,
  type Mode,
  manifestsOf,
  nameOf,
  namespaced,
  neededBy,
} from '../../../__tests__/scenarios/rbac.ts';
import {
  applyNamespaced,
  GATE_ACCOUNT,
  kubeconfigOfAccount,
  makeAccount,
  removeModes,
  removeRoles,
  userOf,
} from '../../accounts.ts';
import { CALICO_NAMESPACE } from '../../calico/install.ts';
import { sourceOf } from '../../cluster/places.ts';
import { auditGate, changesAmong, type GateRun, rightsUsed, runGate } from '../../gate.ts';
import { type Cluster, connectCluster, typeCommand } from '../../harness.ts';
import { inLanes, makeFailedPod, missingRightsIn, NEEDED, type RunsOfMode } from '../../rights.ts';
import { aDeployment, leaveNamespace, makeNamespace } from '../../workloads.ts';

/** The only namespace that is judged, and the only one besides Calico's in which the account has rights. */
const NAMESPACE = 'rights-here';
/** What is healthy there. */
const WEB = 'web';

/** Nothing that is granted within a namespace lets anybody read nodes. */
const NEVER = ['list nodes everywhere', 'watch nodes everywhere'];

/** The mode restart without one of its rights; events and the rest of the verdict's are tried there too. */
const LACKS = grantedIn('restart', [NAMESPACE]).map((missing, index) => {
  return { missing, account: `here-without-${index + 1}`, without: nameOf(missing) };
});

test.each(['account', ...MODES, ...['observe', 'diagnose', 'calico', 'restart'].map((base) => `namespaced/${base}`)])(
  'rbac/%s is to kubectl what it is to the tests of its rights',
  async (base) => {
    const cluster = await connectCluster();
    const built = loadAll(await typeCommand(cluster, `kubectl kustomize ${sourceOf('..', 'rbac', base)}`));
    cluster.api.close();

    const known = manifestsOf(base, 'nowhere').map((manifest) => {
      const { namespace, ...metadata } = manifest.metadata;
      return namespace === 'nowhere' ? { ...manifest, metadata } : manifest;
    });
    expect(known.length).toBeGreaterThan(1);
    expect(built).toHaveLength(known.length);
    expect(built).toEqual(expect.arrayContaining([...known]));
  },
);

describe('an account with rights in some namespaces and none in all', () => {
  let cluster: Cluster;
  const modes = new Map<Mode, RunsOfMode>();
  const lacking = new Map<string, GateRun>();

  beforeAll(async () => {
    cluster = await connectCluster();
    await removeModes(cluster);
    await makeNamespace(cluster, NAMESPACE);
    await cluster.api.apply(aDeployment({ name: WEB, namespace: NAMESPACE, replicas: 2 }));
    await makeFailedPod(cluster, NAMESPACE);
    for (const mode of ['observe', 'diagnose'] as const) {
      await applyNamespaced(cluster, mode, [NAMESPACE]);
      modes.set(mode, await runAsMode(cluster));
    }

    const rights = grantedIn('restart', [NAMESPACE]);
    await Promise.all(
      LACKS.map(async ({ account, missing }) => {
        await makeAccount(
          cluster,
          account,
          rights.filter((right) => nameOf(right) !== nameOf(missing)),
        );
      }),
    );
    await inLanes(LACKS, async ({ account }) => {
      const kubeconfig = await kubeconfigOfAccount(cluster, account);
      lacking.set(account, await runGate({ kubeconfig }, { ...healthyIn(cluster), 'restart-calico-node': 'true' }));
    });
  });

  afterAll(async () => {
    await Promise.all(LACKS.map(async ({ account }) => await removeRoles(cluster, account)));
    await removeModes(cluster);
    await leaveNamespace(cluster, NAMESPACE);
    cluster.api.close();
  });

  test.each(['observe', 'diagnose'] as const)('can have a verdict, and be told what it cannot know: %s', (mode) => {
    const [all, healthy] = modes.get(mode)?.runs ?? [];

    expect(all?.outputs.verdict).toBe('unhealthy');
    expect(all?.report.findings).toEqual([expect.objectContaining({ pod: 'migrate', cause: 'Failed' })]);
    expect(all?.report.findings[0]?.message).toContain('last log lines: cannot reach the database');
    expect(healthy?.outputs).toMatchObject({ verdict: 'healthy', 'pods-ready': '2' });
    expect(healthy?.report.warnings).toContainEqual(expect.stringMatching(/^nodes may not be read: /));
  });

  test('finds Calico in the mode diagnose, where calico-namespace says that it is', () => {
    const { runs } = modes.get('diagnose') ?? { runs: [] };

    const installation = { namespace: cluster.calicoNamespace, daemonSet: 'calico-node' };
    for (const { report } of runs) expect(report.calico.installations).toEqual([installation]);
  });

  test.each<[Mode, readonly string[]]>([
    [
      'observe',
      [
        `list daemonsets.apps in ${CALICO_NAMESPACE}`,
        'list daemonsets.apps everywhere',
        `list events in ${NAMESPACE}`,
        'list nodes everywhere',
      ],
    ],
    ['diagnose', ['list daemonsets.apps everywhere', 'list nodes everywhere']],
  ])('is refused in the mode %s what that cannot have, uses all that it has, and changes nothing', (mode, refused) => {
    if (!cluster.own) return;
    const { requests } = modes.get(mode) ?? { requests: [] };

    const forbidden = requests.filter(({ code }) => code === 403).flatMap(({ right }) => right ?? []);
    expect(new Set(forbidden.map(nameOf))).toEqual(new Set(refused));
    expect(faultsOf(namespaced(mode, [NAMESPACE]), neededBy(rightsUsed(requests), false))).toEqual([]);
    expect(changesAmong(requests)).toEqual([]);
  });

  test('is told in the mode observe which rules are missing, and in which namespace', () => {
    for (const run of modes.get('observe')?.runs ?? []) {
      expect(namedIn(run)).toEqual(
        new Set([
          ...NEVER,
          `list events in ${NAMESPACE}`,
          `watch events in ${NAMESPACE}`,
          `list daemonsets.apps in ${cluster.calicoNamespace}`,
          `watch daemonsets.apps in ${cluster.calicoNamespace}`,
        ]),
      );
    }
    for (const run of modes.get('diagnose')?.runs ?? []) expect(namedIn(run)).toEqual(new Set(NEVER));
  });

  test.each(LACKS)(
    'restart without the right to $without says which rule to add, and where',
    ({ missing, account }) => {
      const run = lacking.get(account) as GateRun;
      const { outputs, exitCode } = run;

      const isBlind = missing.verb === 'list' && NEEDED.has(missing.resource) && missing.namespace === NAMESPACE;
      expect({ verdict: outputs.verdict, exitCode }).toEqual(
        isBlind ? { verdict: 'inconclusive', exitCode: 1 } : { verdict: 'healthy', exitCode: 0 },
      );
      if (isBlind) expect(outputs.reason).toContain(`${missing.resource} in namespace ${NAMESPACE} may not be read`);
      const namespace = missing.namespace === NAMESPACE ? NAMESPACE : cluster.calicoNamespace;
      // Where Calico's DaemonSets may not be listed nothing more is asked for: it is not known to be there.
      expect(namedIn(run)).toEqual(new Set([...NEVER, nameOf({ ...missing, namespace })]));
    },
  );
});

function healthyIn({ calicoNamespace }: Cluster): Readonly<Record<string, string>> {
  const timing = { 'stable-for': '1s', timeout: '2m' };
  return { namespaces: NAMESPACE, selector: `app=${WEB}`, 'calico-namespace': calicoNamespace, ...timing };
}

/** The account of the mode that was applied, on all of the namespace and on what is healthy in it. */
async function runAsMode(cluster: Cluster): Promise<RunsOfMode> {
  const kubeconfig = await kubeconfigOfAccount(cluster, GATE_ACCOUNT);
  const requests = cluster.own ? auditGate(userOf(GATE_ACCOUNT)) : () => [];
  const healthy = healthyIn(cluster);
  const runs = await Promise.all([
    runGate({ kubeconfig }, { ...healthy, selector: '' }),
    runGate({ kubeconfig }, healthy),
  ]);
  return { runs, requests: requests() };
}

function namedIn(run: GateRun): ReadonlySet<string> {
  return new Set(missingRightsIn(run).map(nameOf));
}
