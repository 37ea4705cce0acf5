import { readFileSync } from 'node:fs';
import { mkdtemp, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { KubeConfig } from '@kubernetes/client-node/dist/config.js';
import type { Mode, Right } from '../__tests__/scenarios/rbac.ts';
import { type Api, connectApi, type Manifest } from './api.ts';
import { CALICO_NAMESPACE } from './calico/install.ts';
import { rejected } from './calico/stuck.ts';
import { GATE_NAMESPACE } from './cluster/control-plane.ts';
import { type KubeconfigUser, kubeconfig } from './cluster/credentials.ts';
import { sourceOf } from './cluster/places.ts';
import { run } from './cluster/processes.ts';
import { readState } from './cluster/state.ts';
import { until } from './cluster/waiting.ts';
import type { Cluster } from './harness.ts';
import { removeNamespace } from './workloads.ts';

/** The account that `rbac/` makes. */
export const GATE_ACCOUNT = 'calico-health-gate';

/** Authorizers learn of new roles by a watch. */
const GRANTED_WITHIN_MS = 30_000;
const RBAC = 'rbac.authorization.k8s.io';

/** How the API server calls an account of `GATE_NAMESPACE`. */
export function userOf(account: string): string {
  return `system:serviceaccount:${GATE_NAMESPACE}:${account}`;
}

/** Runs kubectl as the administrator: ours on our own cluster, elsewhere that of the machine. */
async function kubectl({ own }: Cluster, args: readonly string[], input = ''): Promise<string> {
  const command = own ? join(readState()?.binaries ?? '', 'kubectl') : 'kubectl';
  return await run(command, ['--kubeconfig', adminKubeconfig(), ...args], { input });
}

function adminKubeconfig(): string {
  return process.env.E2E_KUBECONFIG ?? '';
}

/** What a folder of `rbac/` makes, with calico-node's own namespace for calico-system, as the README says. */
export async function manifestsOf(cluster: Cluster, base: string): Promise<string> {
  const manifests = await kubectl(cluster, ['kustomize', sourceOf('..', 'rbac', base)]);
  return manifests.replaceAll(`namespace: ${CALICO_NAMESPACE}`, `namespace: ${cluster.calicoNamespace}`);
}

/** `kubectl apply -f`, with `-n` where a namespace is given. */
export async function applyManifests(cluster: Cluster, manifests: string, namespace?: string): Promise<void> {
  await kubectl(cluster, ['apply', ...(namespace === undefined ? [] : ['-n', namespace]), '-f', '-'], manifests);
}

/** `kubectl apply -k rbac/MODE`. */
export async function applyMode(cluster: Cluster, mode: Mode): Promise<void> {
  await applyManifests(cluster, await manifestsOf(cluster, mode));
}

/** The variant for some namespaces, by the commands of the README. */
export async function applyNamespaced(cluster: Cluster, mode: Mode, judged: readonly string[]): Promise<void> {
  const apply = async (base: string, namespace?: string): Promise<void> => {
    await applyManifests(cluster, await manifestsOf(cluster, base), namespace);
  };
  await apply('account');
  for (const namespace of judged) await apply(`namespaced/${mode === 'observe' ? 'observe' : 'diagnose'}`, namespace);
  if (mode === 'diagnose') await apply('namespaced/calico');
  if (mode === 'restart') await apply('namespaced/restart');
}

/** Removes what any of the modes made, but in namespaces that are judged; and every account of `GATE_NAMESPACE`. */
export async function removeModes(cluster: Cluster): Promise<void> {
  for (const base of ['restart', 'namespaced/restart', 'admission-policy']) {
    await kubectl(cluster, ['delete', '--ignore-not-found', '-f', '-'], await manifestsOf(cluster, base));
  }
  await removeNamespace(cluster, GATE_NAMESPACE);
}

/** The API as another user, whom the administrator impersonates: such requests are in no audit log. */
export async function actAs(user: string): Promise<Api> {
  const config = new KubeConfig();
  config.loadFromFile(adminKubeconfig());
  config.users = config.users.map((each) => ({ ...each, impersonateUser: user }));
  const file = join(await mkdtemp(join(tmpdir(), 'as-')), 'kubeconfig');
  await writeFile(file, config.exportConfig(), { mode: 0o600 });
  return connectApi(file);
}

/** A kubeconfig file with a fresh token of an account of `GATE_NAMESPACE`, as `kubectl create token` makes it. */
export async function kubeconfigOfAccount(cluster: Cluster, account: string, server?: string): Promise<string> {
  return await kubeconfigFile(cluster, account, { token: await mint(cluster, account) }, server);
}

/** A kubeconfig file in which the account's credentials are what `user` says. Default: the API server's own address. */
export async function kubeconfigFile(
  { api }: Cluster,
  account: string,
  user: KubeconfigUser,
  server = api.server,
): Promise<string> {
  const file = join(await mkdtemp(join(tmpdir(), 'account-')), 'kubeconfig');
  const content = kubeconfig({ server, ca: authority(), name: account, user });
  await writeFile(file, content, { mode: 0o600 });
  return file;
}

async function mint({ api }: Cluster, account: string, boundObjectRef?: object): Promise<string> {
  const path = `/api/v1/namespaces/${GATE_NAMESPACE}/serviceaccounts/${account}/token`;
  const spec = { expirationSeconds: 3_600, boundObjectRef };
  const request = { apiVersion: 'authentication.k8s.io/v1', kind: 'TokenRequest', spec };
  return (await api.create<{ readonly status: { readonly token: string } }>(path, request)).status.token;
}

/** A token that can be made to end before its time, which no API server allows to be less than 10 min. */
export interface MortalToken {
  readonly token: string;
  /** Resolves when the API server rejects it, from its cache as well. */
  readonly die: () => Promise<void>;
}

/** A fresh token that is bound to a Secret, and ends with it. */
export async function mortalToken(cluster: Cluster, account: string): Promise<MortalToken> {
  const { api } = cluster;
  const secrets = `/api/v1/namespaces/${GATE_NAMESPACE}/secrets`;
  const manifest = { apiVersion: 'v1', kind: 'Secret', metadata: { generateName: `${account}-` } };
  const { metadata } = await api.create<{ readonly metadata: { readonly name: string; readonly uid: string } }>(
    secrets,
    manifest,
  );
  const { name, uid } = metadata;
  const token = await mint(cluster, account, { kind: 'Secret', apiVersion: 'v1', name, uid });
  return {
    token,
    die: async () => {
      await api.remove(`${secrets}/${name}`);
      await rejected(cluster, token, `the token of ${account} that is bound to Secret ${name}`);
    },
  };
}

/** The certificate of the API server's authority, in PEM. */
function authority(): string {
  const admin = new KubeConfig();
  admin.loadFromFile(adminKubeconfig());
  const { caData, caFile } = admin.getCurrentCluster() ?? {};
  return caFile === undefined ? Buffer.from(caData ?? '', 'base64').toString('utf8') : readFileSync(caFile, 'utf8');
}

/** Makes an account of `GATE_NAMESPACE`, which must be there, with just these rights; resolves when it has them. */
export async function makeAccount(cluster: Cluster, name: string, rights: readonly Right[]): Promise<void> {
  const account = { apiVersion: 'v1', kind: 'ServiceAccount', metadata: { name, namespace: GATE_NAMESPACE } };
  await cluster.api.apply(account);
  for (const place of new Set(rights.map(({ namespace }) => namespace))) {
    const there = rights.filter(({ namespace }) => namespace === place);
    for (const manifest of granting(name, placeOf(cluster, place), there)) await cluster.api.apply(manifest);
    const [right] = there;
    if (right === undefined) continue;
    const waiting = { what: `${name} to be allowed to ${right.verb} ${right.resource}`, timeoutMs: GRANTED_WITHIN_MS };
    await until(waiting, async () => await isAllowed(cluster, name, right));
  }
}

/** Where `rbac/` says calico-system, calico-node's own namespace is meant; undefined: everywhere. */
function placeOf({ calicoNamespace }: Cluster, namespace: string | null): string | undefined {
  return namespace === CALICO_NAMESPACE ? calicoNamespace : (namespace ?? undefined);
}

/** A role with these rights and its binding, for a namespace or for all. */
function granting(name: string, namespace: string | undefined, rights: readonly Right[]): readonly Manifest[] {
  const apiVersion = `${RBAC}/v1`;
  const metadata = { name: roleOf(name), ...(namespace === undefined ? {} : { namespace }) };
  const kind = namespace === undefined ? 'ClusterRole' : 'Role';
  const rules = rights.map(({ group, resource, verb }) => ({
    apiGroups: [group],
    resources: [resource],
    verbs: [verb],
  }));
  return [
    { apiVersion, kind, metadata, rules },
    {
      apiVersion,
      kind: `${kind}Binding`,
      metadata,
      roleRef: { apiGroup: RBAC, kind, name: metadata.name },
      subjects: [{ kind: 'ServiceAccount', name, namespace: GATE_NAMESPACE }],
    },
  ];
}

function roleOf(account: string): string {
  return `${GATE_NAMESPACE}-e2e-${account}`;
}

/** Removes the roles of an account that `makeAccount` made there or everywhere; it goes itself with its namespace. */
export async function removeRoles({ api, calicoNamespace }: Cluster, account: string): Promise<void> {
  const root = `/apis/${RBAC}/v1`;
  for (const path of [root, `${root}/namespaces/${calicoNamespace}`]) {
    for (const plural of path === root ? ['clusterrolebindings', 'clusterroles'] : ['rolebindings', 'roles']) {
      await api.remove(`${path}/${plural}/${roleOf(account)}`);
    }
  }
}

async function isAllowed(cluster: Cluster, account: string, right: Right): Promise<boolean> {
  const [resource, subresource] = right.resource.split('/');
  const namespace = placeOf(cluster, right.namespace);
  const resourceAttributes = { verb: right.verb, group: right.group, resource, subresource, namespace };
  const spec = { user: userOf(account), resourceAttributes };
  const review = { apiVersion: 'authorization.k8s.io/v1', kind: 'SubjectAccessReview', spec };
  const path = '/apis/authorization.k8s.io/v1/subjectaccessreviews';
  const { status } = await cluster.api.create<{ readonly status: { readonly allowed: boolean } }>(path, review);
  return status.allowed;
}
