import { mkdtemp, readFile, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join, relative } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import { faultsOf, nameOf, namespaced, neededBy } from '../../../__tests__/scenarios/rbac.ts';
import type { Pod } from '../../../simulator/objects.ts';
import {
  actAs,
  applyManifests,
  applyNamespaced,
  GATE_ACCOUNT,
  kubeconfigOfAccount,
  manifestsOf,
  removeModes,
  userOf,
} from '../../accounts.ts';
import type { Answer, Api, Manifest } from '../../api.ts';
import { calicoNodes, calicoNodeUids, restartEverywhere } from '../../calico/calico-node.ts';
import { killToken } from '../../calico/failures.ts';
import { stuckOn } from '../../calico/stuck.ts';
import { sourceOf } from '../../cluster/places.ts';
import { until } from '../../cluster/waiting.ts';
import { type AuditedRequest, auditGate, changesAmong, type GateRun, rightsUsed, runGate } from '../../gate.ts';
import { type Cluster, connectCluster, podsIn, typeCommand } from '../../harness.ts';
import { aDaemonSet, aDeployment, allReady, aPodSpec, leaveNamespace, makeNamespace, roll } from '../../workloads.ts';

const NAMESPACE = 'policy';
/** Another one, in which a tenant has a DaemonSet that is called as Calico's. */
const TENANT = 'policy-tenant';
const BINDING = 'calico-health-gate-e2e-policy';
const POLICIES = '/apis/admissionregistration.k8s.io/v1/validatingadmissionpolicies';

/** API servers learn of policies by a watch, and compile them. */
const IN_FORCE_WITHIN_MS = 60_000;

const NOT_CALICO = /may delete only pods of Calico's DaemonSets, as this policy lists them/;
const NOT_BY_UID = /may delete a pod only with its uid as a precondition/;
const NOT_BY_NAME = /may delete pods only one by one, by name/;

const RENAMED_POLICY =
  /ValidatingAdmissionPolicy 'team-calico-health-gate' with binding 'team-calico-health-gate' denied request: .* uid as/;

/** Who may delete any pod, as far as RBAC goes: in kube-system, the mode restart comes near to that. */
const GATE = userOf(GATE_ACCOUNT);
const OTHER = userOf('another');
const RENAMED = `system:serviceaccount:${NAMESPACE}:team-${GATE_ACCOUNT}`;

describe('the admission policy of rbac/', () => {
  let cluster: Cluster;
  let broken: string;
  let asGate: Api;
  let asOther: Api;
  let pods: Readonly<Record<string, Pod>>;
  /** With a policy in force that does not know Calico's DaemonSet. */
  let refused: GateRun;
  let refusedRequests: readonly AuditedRequest[];

  beforeAll(async () => {
    cluster = await connectCluster();
    broken = cluster.nodes[0] ?? '';
    await removeModes(cluster);
    await Promise.all([makeNamespace(cluster, NAMESPACE), makeNamespace(cluster, TENANT)]);
    await applyNamespaced(cluster, 'restart', [NAMESPACE]);
    await letDeletePods(cluster, [GATE, OTHER, RENAMED]);
    [asGate, asOther] = await Promise.all([actAs(GATE), actAs(OTHER)]);

    const web = { name: 'web', namespace: NAMESPACE, pod: { nodes: [broken] } };
    await cluster.api.apply(aDeployment(web));
    await cluster.api.apply(aDeployment({ ...web, name: 'ledger', spec: { strategy: { type: 'Recreate' } } }));
    for (const manifest of bystanders(cluster)) await cluster.api.apply(manifest);
    await allReady(cluster, NAMESPACE, 2);
    pods = await bystandersIn(cluster);
    await killToken(cluster, broken);
    await roll(cluster, 'deployments', NAMESPACE, 'web');
    await roll(cluster, 'deployments', NAMESPACE, 'ledger');

    const policy = await manifestsOf(cluster, 'admission-policy');
    await applyManifests(cluster, policy.replaceAll("/calico-node'", "/other'"));
    await Promise.all([stuckOn(cluster, NAMESPACE, [broken]), inForce(calicoNode, NOT_CALICO)]);
    const requests = cluster.own ? auditGate(GATE) : () => [];
    refused = await runUntil(/denied request/, await kubeconfigOfAccount(cluster, GATE_ACCOUNT), inputsFor(cluster));
    refusedRequests = requests();

    await applyManifests(cluster, policy);
    await inForce(calicoNode, NOT_BY_UID);
  });

  afterAll(async () => {
    await removeModes(cluster);
    await cluster.api.remove(`${POLICIES}/team-calico-health-gate`);
    await cluster.api.remove(`${POLICIES.replace(/ies$/u, 'ybindings')}/team-calico-health-gate`);
    await cluster.api.remove(`/apis/rbac.authorization.k8s.io/v1/clusterrolebindings/${BINDING}`);
    await cluster.api.remove(`/apis/rbac.authorization.k8s.io/v1/clusterroles/${BINDING}`);
    for (const { kind, metadata } of bystanders(cluster)) {
      const group = kind === 'Pod' ? '/api/v1' : '/apis/apps/v1';
      await cluster.api.remove(`${group}/namespaces/${metadata.namespace}/${kind.toLowerCase()}s/${metadata.name}`);
    }
    await restartEverywhere(cluster);
    await Promise.all([NAMESPACE, TENANT].map(async (name) => await leaveNamespace(cluster, name)));
    for (const api of [asGate, asOther, cluster.api]) api.close();
  });

  /** Resolves when a DELETE of the gate's account, without its uid and of no effect, is refused in these words. */
  async function inForce(podOf: () => Promise<Pod>, words: RegExp, api = asGate): Promise<void> {
    await until({ what: `the policy to say ${words}`, timeoutMs: IN_FORCE_WITHIN_MS }, async () =>
      words.test(messageOf(await remove(api, await podOf(), { dryRun: ['All'] }))),
    );
  }

  async function calicoNode(): Promise<Pod> {
    const pod = (await calicoNodes(cluster)).get(broken);
    if (pod === undefined) throw new Error(`no calico-node pod is on ${broken}`);
    return pod;
  }

  test('has expressions that fit the types of the API', async () => {
    await until({ what: 'the policy to be checked', timeoutMs: IN_FORCE_WITHIN_MS }, async () => {
      const { status } = await cluster.api.get<{ readonly status?: { readonly typeChecking?: object } }>(
        `${POLICIES}/calico-health-gate`,
      );
      if (status?.typeChecking === undefined) return false;
      expect(status.typeChecking).toEqual({});
      return true;
    });
  });

  test('where it does not know Calico’s DaemonSet the gate says who refused what, and nothing is restarted', () => {
    const { outputs, report, stdout } = refused;

    expect(outputs).toMatchObject({ 'calico-auth-failure': 'true', 'restarted-nodes': '[]' });
    expect(report.calico.nodes).toEqual([
      expect.objectContaining({ node: broken, action: 'refused', outcome: null, before: null }),
    ]);
    const { why = '', command } = report.calico.nodes[0] ?? {};
    expect(why).toMatch(/^failed to delete \S+\/calico-node-\w+: delete pods\/\S+ in namespace \S+: 403 Forbidden: /);
    expect(why).toContain("ValidatingAdmissionPolicy 'calico-health-gate'");
    expect(why).toMatch(NOT_CALICO);
    expect(why).toMatch(/no right would help: ask who keeps that admission webhook or policy$/);
    expect(stdout).toMatch(
      /node n\S+: refused: failed to delete .* denied request: .*; by hand: kubectl delete pod -n/,
    );
    expect(command).toMatch(/^kubectl delete pod -n \S+ calico-node-\w+$/);
    if (cluster.own) {
      expect(changesAmong(refusedRequests)).toEqual([expect.objectContaining({ verb: 'delete', code: 403 })]);
    }
  });

  test.each([
    ['of a Deployment beside calico-node, such as coredns', 'deployment'],
    ['of another DaemonSet beside calico-node, such as kube-proxy', 'daemonSet'],
    ['of a tenant’s DaemonSet that is called calico-node', 'tenant'],
    ['beside calico-node that nobody controls', 'bare'],
    ['that is owned by Calico’s DaemonSet, but not controlled', 'owned'],
  ])('refuses the gate’s account a pod %s, with its uid and without', async (_, name) => {
    const pod = pods[name] as Pod;
    const { uid } = pod.metadata;

    for (const options of [{ preconditions: { uid } }, {}, { preconditions: { uid }, dryRun: ['All'] }]) {
      const answer = await remove(asGate, pod, options);
      expect(answer.status).toBe(403);
      expect(messageOf(answer)).toMatch(NOT_CALICO);
    }
    await expectUntouched(cluster, pod);
  });

  test('refuses it a calico-node pod without its uid', async () => {
    const pod = await calicoNode();
    const { resourceVersion } = pod.metadata;

    for (const options of [undefined, {}, { gracePeriodSeconds: 0 }, { preconditions: { resourceVersion } }]) {
      const answer = await remove(asGate, pod, options);
      expect(answer.status).toBe(403);
      expect(messageOf(answer)).toMatch(NOT_BY_UID);
    }
    await expectUntouched(cluster, pod);
  });

  test('can be seen to hold by the command of the README, which deletes nothing', async () => {
    const pod = await calicoNode();
    const { namespace, name } = pod.metadata;
    const readme = await readFile(sourceOf('..', 'README.md'), 'utf8');
    const command = /^kubectl delete pod -n calico-system POD --dry-run=server --as \S+$/mu.exec(readme)?.[0] ?? '';
    expect(command).toContain(`--as ${GATE}`);

    const typed = command.replace('calico-system POD', `${namespace} ${name}`);
    await expect(typeCommand(cluster, typed)).rejects.toThrow(NOT_BY_UID);
    await expectUntouched(cluster, pod);
  });

  test('leaves it to the API server to refuse a uid that is no longer that of the pod', async () => {
    const pod = await calicoNode();
    expect((await remove(asGate, pod, { preconditions: { uid: 'another' } })).status).toBe(409);
    await expectUntouched(cluster, pod);
  });

  test('refuses it whole collections, whatever they select', async () => {
    const pod = await calicoNode();
    const { namespace = '', name, uid } = pod.metadata;
    const before = await uidsOf(cluster);

    const one = `?fieldSelector=metadata.name%3D${name}`;
    const uids = { preconditions: { uid } };
    for (const [query, options] of [
      ['', {}],
      [one, {}],
      [one, uids],
      // Of a pod with another uid the API server itself says 409, and whichever comes first is what is answered.
      ['', uids],
    ] as const) {
      const answer = await asGate.request('DELETE', `/api/v1/namespaces/${namespace}/pods${query}`, options);
      if (options === uids && query === '') expect([403, 409]).toContain(answer.status);
      else expect(answer.status).toBe(403);
      if (answer.status === 403) expect(messageOf(answer)).toContain("ValidatingAdmissionPolicy 'calico-health-gate'");
      if (options === uids && query === one) expect(messageOf(answer)).toMatch(NOT_BY_NAME);
    }
    expect(await uidsOf(cluster)).toEqual(before);
  });

  test('is of no concern to anybody else', async () => {
    for (const pod of [...Object.values(pods), await calicoNode()]) {
      expect((await remove(asOther, pod, { dryRun: ['All'] })).status).toBe(200);
      expect((await remove(cluster.api, pod, { dryRun: ['All'] })).status).toBe(200);
    }
    const { namespace } = (await calicoNode()).metadata;
    const collection = `/api/v1/namespaces/${namespace}/pods`;
    expect((await asOther.request('DELETE', collection, { dryRun: ['All'] })).status).toBe(200);
  });

  test('lets the gate restart calico-node, with no right in all namespaces', async () => {
    const uids = await calicoNodeUids(cluster);
    // What it was given for the sake of these tests is more than it needs.
    await letDeletePods(cluster, [OTHER, RENAMED]);
    const kubeconfig = await kubeconfigOfAccount(cluster, GATE_ACCOUNT);
    const requests = cluster.own ? auditGate(GATE) : () => [];

    const { outputs, report } = await runGate(
      { kubeconfig },
      { ...inputsFor(cluster), timeout: '4m', 'stable-for': '5s' },
    );

    expect(outputs).toMatchObject({ verdict: 'healthy', 'restarted-nodes': JSON.stringify([broken]) });
    expect(report.calico.nodes).toEqual([
      expect.objectContaining({ node: broken, action: 'restarted', outcome: 'cured' }),
    ]);
    const after = await calicoNodeUids(cluster);
    expect(after[broken]).not.toBe(uids[broken]);
    expect({ ...after, [broken]: uids[broken] }).toEqual(uids);
    if (!cluster.own) return;
    expect(changesAmong(requests())).toEqual([expect.objectContaining({ verb: 'delete', code: 200 })]);
    // No container crashed, so no log was read.
    const used = [...neededBy(rightsUsed(requests()), false), `get pods/log in ${NAMESPACE}`];
    expect(faultsOf(namespaced('restart', [NAMESPACE]), used)).toEqual([]);
    const forbidden = requests().filter(({ code }) => code === 403);
    expect(new Set(forbidden.flatMap(({ right }) => right ?? []).map(nameOf))).toEqual(
      new Set(['list daemonsets.apps everywhere', 'list nodes everywhere', 'list pods everywhere']),
    );
  });

  test('follows an account, and is followed by its binding, when kustomize renames them', async () => {
    await removeModes(cluster);
    const folder = await mkdtemp(join(tmpdir(), 'renamed-'));
    const resources = ['account', 'admission-policy'].map((base) => relative(folder, sourceOf('..', 'rbac', base)));
    await writeFile(
      join(folder, 'kustomization.yaml'),
      JSON.stringify({ namePrefix: 'team-', namespace: NAMESPACE, resources }),
    );
    await applyManifests(cluster, await typeCommand(cluster, `kubectl kustomize ${folder}`));
    const asRenamed = await actAs(RENAMED);

    await inForce(calicoNode, RENAMED_POLICY, asRenamed);
    expect(messageOf(await remove(asRenamed, pods.deployment as Pod, {}))).toMatch(NOT_CALICO);
    asRenamed.close();
  });
});

function inputsFor({ calicoNamespace }: Cluster): Readonly<Record<string, string>> {
  return { namespaces: NAMESPACE, 'calico-namespace': calicoNamespace, 'restart-calico-node': 'true' };
}

/** A gate that is ended as soon as its log has such a line: what it does then is another scenario's. */
async function runUntil(line: RegExp, kubeconfig: string, inputs: Readonly<Record<string, string>>): Promise<GateRun> {
  let log = '';
  let end = (): void => {};
  return await runGate(
    { kubeconfig },
    { ...inputs, timeout: '4m' },
    {
      onStart: (kill) => {
        end = () => kill('SIGTERM');
      },
      onOutput: (text) => {
        log += text;
        if (line.test(log)) end();
      },
    },
  );
}

/** Gives these users, and nobody else, the right to delete pods everywhere. */
async function letDeletePods({ api }: Cluster, users: readonly string[]): Promise<void> {
  const apiGroup = 'rbac.authorization.k8s.io';
  const apiVersion = `${apiGroup}/v1`;
  const metadata = { name: BINDING };
  const rules = [{ apiGroups: [''], resources: ['pods'], verbs: ['delete', 'deletecollection'] }];
  const subjects = users.map((name) => ({ apiGroup, kind: 'User', name }));
  await api.apply({ apiVersion, kind: 'ClusterRole', metadata, rules });
  const roleRef = { apiGroup, kind: 'ClusterRole', name: BINDING };
  await api.apply({ apiVersion, kind: 'ClusterRoleBinding', metadata, roleRef, subjects });
}

const BYSTANDER = 'policy-bystander';

/** Pods that are none of Calico's, in its namespace and a tenant's. */
function bystanders({ calicoNamespace, nodes }: Cluster): readonly Manifest[] {
  const pod = { nodes: nodes.slice(1, 2) };
  const here = { name: BYSTANDER, namespace: calicoNamespace, pod };
  const bare = { apiVersion: 'v1', kind: 'Pod', spec: aPodSpec(pod) };
  return [
    aDeployment(here),
    aDaemonSet({ ...here, name: `${BYSTANDER}-set` }),
    aDaemonSet({ name: 'calico-node', namespace: TENANT, pod }),
    { ...bare, metadata: { name: `${BYSTANDER}-bare`, namespace: calicoNamespace } },
    { ...bare, metadata: { name: `${BYSTANDER}-owned`, namespace: calicoNamespace } },
  ];
}

async function bystandersIn(cluster: Cluster): Promise<Readonly<Record<string, Pod>>> {
  const { api, calicoNamespace } = cluster;
  const set = await api.get(`/apis/apps/v1/namespaces/${calicoNamespace}/daemonsets/calico-node`);
  const owner = { apiVersion: 'apps/v1', kind: 'DaemonSet', name: 'calico-node', uid: set.metadata.uid };
  await api.patch(`/api/v1/namespaces/${calicoNamespace}/pods/${BYSTANDER}-owned`, {
    metadata: { ownerReferences: [owner] },
  });
  const found: Record<string, Pod> = {};
  await until({ what: 'the pods that are none of Calico’s', timeoutMs: IN_FORCE_WITHIN_MS }, async () => {
    const there = await podsIn(cluster, calicoNamespace);
    const tenants = await podsIn(cluster, TENANT);
    const named = (start: string): Pod | undefined => there.find(({ metadata }) => metadata.name.startsWith(start));
    const pods = {
      deployment: there.find(
        ({ metadata }) => metadata.ownerReferences?.[0]?.kind === 'ReplicaSet' && metadata.labels?.app === BYSTANDER,
      ),
      daemonSet: named(`${BYSTANDER}-set-`),
      tenant: tenants[0],
      bare: named(`${BYSTANDER}-bare`),
      owned: named(`${BYSTANDER}-owned`),
    };
    for (const [name, pod] of Object.entries(pods)) if (pod !== undefined) found[name] = pod;
    return Object.values(pods).every((pod) => pod !== undefined);
  });
  return found;
}

function pathOfPod({ metadata: { namespace, name } }: Pod): string {
  return `/api/v1/namespaces/${namespace}/pods/${name}`;
}

async function remove(api: Api, pod: Pod, options?: object): Promise<Answer> {
  return await api.request('DELETE', pathOfPod(pod), options);
}

function messageOf({ body }: Answer): string {
  return (JSON.parse(body) as { readonly message?: string }).message ?? '';
}

async function expectUntouched({ api }: Cluster, pod: Pod): Promise<void> {
  const { metadata } = await api.get<Pod>(pathOfPod(pod));
  expect({ uid: metadata.uid, deletionTimestamp: metadata.deletionTimestamp }).toEqual({
    uid: pod.metadata.uid,
    deletionTimestamp: undefined,
  });
}

/** The uids of all pods of Calico's namespace that are not being deleted. */
async function uidsOf(cluster: Cluster): Promise<readonly string[]> {
  const pods = await podsIn(cluster, cluster.calicoNamespace);
  return pods
    .filter(({ metadata }) => metadata.deletionTimestamp === undefined)
    .map(({ metadata }) => metadata.uid)
    .sort();
}
