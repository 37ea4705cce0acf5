/** The manifests of `rbac/`, as an API server that applies them would enforce them; and rights that requests show. */
import { readFileSync } from 'node:fs';
import { load, loadAll } from 'js-yaml';
import type { Permissions } from '../../simulator/api/access.ts';
import type { LoggedRequest } from '../../simulator/api/request-log.ts';
import { targetOf } from '../../src/cluster/request-target.ts';

export const MODES = ['observe', 'diagnose', 'restart'] as const;
export type Mode = (typeof MODES)[number];

/** Where the bases that have a namespace put what is for Calico's. */
const CALICO = 'calico-system';

/** One verb on one resource; `namespace` null: in all namespaces, or a resource that has none. */
export interface Right {
  readonly verb: string;
  readonly group: string;
  /** With its subresource; of what is no resource its path. */
  readonly resource: string;
  readonly namespace: string | null;
  /** On the object of this name alone (`resourceNames`). */
  readonly only?: string;
}

export interface Rule {
  readonly apiGroups?: readonly string[];
  readonly resources?: readonly string[];
  readonly verbs: readonly string[];
  readonly resourceNames?: readonly string[];
  readonly nonResourceURLs?: readonly string[];
}

export interface Subject {
  readonly kind: string;
  readonly name: string;
  readonly namespace?: string;
}

export interface Manifest {
  readonly kind: string;
  readonly metadata: { readonly name: string; readonly namespace?: string };
  readonly rules?: readonly Rule[];
  readonly roleRef?: { readonly kind: string; readonly name: string };
  readonly subjects?: readonly Subject[];
}

const ACCOUNT = 'ServiceAccount calico-health-gate/calico-health-gate';
const CLUSTER_SCOPED: ReadonlySet<string> = new Set(['Namespace', 'ClusterRole', 'ClusterRoleBinding']);

/** `kubectl kustomize rbac/BASE`; `namespace`: of what names none, as `kubectl apply -n` gives it. */
export function manifestsOf(base: string, namespace = 'default'): readonly Manifest[] {
  return manifestsIn(new URL(`../../rbac/${base}/`, import.meta.url)).map((manifest) => {
    if (CLUSTER_SCOPED.has(manifest.kind)) return manifest;
    return { ...manifest, metadata: { namespace, ...manifest.metadata } };
  });
}

function manifestsIn(folder: URL): readonly Manifest[] {
  const { resources, ...others } = load(readFileSync(new URL('kustomization.yaml', folder), 'utf8')) as {
    readonly resources: readonly string[];
  };
  const unknown = Object.keys(others).filter((key) => key !== 'apiVersion' && key !== 'kind');
  if (unknown.length > 0) throw new Error(`${folder.pathname} uses ${unknown.join(', ')}, which is not known here`);
  return resources.flatMap((resource) => {
    if (!resource.endsWith('.yaml')) return manifestsIn(new URL(`${resource}/`, folder));
    return loadAll(readFileSync(new URL(resource, folder), 'utf8')) as readonly Manifest[];
  });
}

/** What makes the account of a mode for all namespaces: `kubectl apply -k rbac/MODE`. */
export function clusterWide(mode: Mode): readonly Manifest[] {
  return manifestsOf(mode);
}

/** The same for some namespaces and Calico's, as the README says. */
export function namespaced(mode: Mode, judged: readonly string[]): readonly Manifest[] {
  const base = mode === 'observe' ? 'observe' : 'diagnose';
  const calicos = { observe: [], diagnose: ['calico'], restart: ['restart'] }[mode];
  return [
    ...manifestsOf('account'),
    ...judged.flatMap((namespace) => manifestsOf(`namespaced/${base}`, namespace)),
    ...calicos.flatMap((name) => manifestsOf(`namespaced/${name}`)),
  ];
}

/** What `kubectl apply -k rbac/MODE` grants to the account that it makes: roles count only where they are bound. */
export function granted(mode: Mode): readonly Right[] {
  return rightsOf(clusterWide(mode));
}

/** The same of the variant without rights in all namespaces. */
export function grantedIn(mode: Mode, judged: readonly string[]): readonly Right[] {
  return rightsOf(namespaced(mode, judged));
}

/** What these manifests grant to the account, one right as often as it is granted. */
export function rightsOf(manifests: readonly Manifest[]): readonly Right[] {
  return manifests.flatMap((binding) => {
    if (!(binding.subjects ?? []).some((subject) => subjectOf(subject) === ACCOUNT)) return [];
    const namespace = binding.kind === 'RoleBinding' ? (binding.metadata.namespace ?? null) : null;
    return (roleOf(binding, manifests)?.rules ?? []).flatMap((rule) => rightsOfRule(rule, namespace));
  });
}

function rightsOfRule(rule: Rule, namespace: string | null): readonly Right[] {
  const { apiGroups = [], resources = [], verbs, resourceNames = [undefined], nonResourceURLs = [] } = rule;
  const paths = nonResourceURLs.map((resource) => ({ group: '', resource, namespace: null }));
  const objects = apiGroups.flatMap((group) =>
    resources.flatMap((resource) =>
      resourceNames.map((only) => ({ group, resource, namespace, ...(only === undefined ? {} : { only }) })),
    ),
  );
  return [...paths, ...objects].flatMap((what) => verbs.map((verb) => ({ verb, ...what })));
}

function roleOf({ kind, metadata, roleRef }: Manifest, manifests: readonly Manifest[]): Manifest | undefined {
  return manifests.find(
    (role) =>
      role.kind === roleRef?.kind &&
      role.metadata.name === roleRef.name &&
      (role.kind === 'ClusterRole' || (kind === 'RoleBinding' && role.metadata.namespace === metadata.namespace)),
  );
}

function subjectOf({ kind, namespace = '', name }: Subject): string {
  return `${kind} ${namespace}/${name}`;
}

/**
 * What is wrong with these manifests for an account that needs just these rights, by their names: what they lack, what they
 * grant besides or twice or to others, and what cannot be judged here.
 */
export function faultsOf(manifests: readonly Manifest[], needed: readonly string[]): readonly string[] {
  const names = rightsOf(manifests).map(nameOf);
  return [
    ...needed.filter((name) => !names.includes(name)).map((name) => `lacks: ${name}`),
    ...names.filter((name) => !needed.includes(name)).map((name) => `grants besides: ${name}`),
    ...names.filter((name, index) => names.indexOf(name) < index).map((name) => `grants twice: ${name}`),
    ...manifests.flatMap((manifest) => oddities(manifest, manifests)),
  ];
}

/** Fields by which something is granted that `rightsOf` does not see, such as `aggregationRule`, labels or `*`. */
function oddities(manifest: Manifest, manifests: readonly Manifest[]): readonly string[] {
  const { kind, metadata, rules = [], roleRef, subjects = [] } = manifest;
  const what = `${kind} ${metadata.name}`;
  const foreign = (object: object, known: readonly string[]): readonly string[] =>
    Object.keys(object)
      .filter((key) => !known.includes(key))
      .map((key) => `${what} has ${key}`);
  const all = [
    ...foreign(metadata, ['name', 'namespace']),
    ...rules.flatMap((rule) => foreign(rule, ['apiGroups', 'resources', 'verbs', 'resourceNames', 'nonResourceURLs'])),
  ];
  switch (kind) {
    case 'Namespace':
      return [...all, ...foreign(manifest, ['apiVersion', 'kind', 'metadata'])];
    case 'ServiceAccount': {
      const isOurs = subjectOf({ kind, ...metadata }) === ACCOUNT;
      return [
        ...all,
        ...foreign(manifest, ['apiVersion', 'kind', 'metadata']),
        ...(isOurs ? [] : [`${what} is another`]),
      ];
    }
    case 'Role':
    case 'ClusterRole': {
      const isBound = manifests.some((binding) => roleOf(binding, manifests) === manifest);
      return [
        ...all,
        ...foreign(manifest, ['apiVersion', 'kind', 'metadata', 'rules']),
        ...(isBound ? [] : [`${what} is not bound`]),
      ];
    }
    case 'RoleBinding':
    case 'ClusterRoleBinding': {
      const others = subjects.filter((subject) => subjectOf(subject) !== ACCOUNT);
      return [
        ...all,
        ...foreign(manifest, ['apiVersion', 'kind', 'metadata', 'roleRef', 'subjects']),
        ...(roleOf(manifest, manifests) === undefined ? [`${what} binds ${roleRef?.name}, which is not there`] : []),
        ...others.map((subject) => `${what} is for ${subjectOf(subject)}`),
      ];
    }
    default:
      return [`${what} is of a kind that is not known here`];
  }
}

/** Everything that these rights do not allow is forbidden. */
export function permit(rights: readonly Right[]): Permissions {
  return ({ verb, group, resource, subresource, namespace = null }) => {
    const wanted = subresource === undefined ? resource : `${resource}/${subresource}`;
    return rights.some(
      (right) =>
        right.verb === verb &&
        right.group === group &&
        right.resource === wanted &&
        right.only === undefined &&
        (right.namespace === null || right.namespace === namespace),
    );
  };
}

/** `delete pods in calico-system`, `list pods everywhere`, `list deployments.apps everywhere`. */
export function nameOf(right: Right): string {
  const { namespace, only } = right;
  const where = namespace === null ? 'everywhere' : `in ${namespace}`;
  return `${withoutPlace(right)} ${where}${only === undefined ? '' : ` on ${only} alone`}`;
}

/** `delete pods`, `list deployments.apps`. */
export function withoutPlace({ verb, group, resource }: Right): string {
  return `${verb} ${resource}${group === '' ? '' : `.${group}`}`;
}

/** What a request needs RBAC for; null: everybody may do it (`system:discovery`, `system:basic-user`). */
export function rightOf({ method, path }: Pick<LoggedRequest, 'method' | 'path'>): Right | null {
  const target = targetOf(method as 'GET' | 'POST' | 'DELETE', path);
  const { group, resource, subresource } = target;
  const verb = method === 'DELETE' && target.name === null ? 'deletecollection' : target.verb;
  if (resource === '' || resource === 'selfsubjectaccessreviews') return null;
  // A namespace lies in itself, as far as rights go (apiserver `request/requestinfo.go`).
  const namespace = resource === 'namespaces' ? target.name : target.namespace;
  return { verb, group, resource: subresource === null ? resource : `${resource}/${subresource}`, namespace };
}

/** The names of rights that were used; `isClusterWide`: they are for all namespaces, but those used in Calico's alone. */
export function neededBy(used: readonly Right[], isClusterWide: boolean): readonly string[] {
  const elsewhere = new Set(used.filter(({ namespace }) => namespace !== CALICO).map(withoutPlace));
  const names = used.map((right) => {
    const isWide = isClusterWide && (right.namespace !== CALICO || elsewhere.has(withoutPlace(right)));
    return nameOf(isWide ? { ...right, namespace: null } : right);
  });
  return [...new Set(names)].sort();
}

let everyRight: ReadonlySet<string> | undefined;

/** What these requests need that `rbac/` grants in no mode and no place. */
export function rightsBeyond(requests: readonly Pick<LoggedRequest, 'method' | 'path'>[]): readonly string[] {
  everyRight ??= new Set(granted('restart').map(withoutPlace));
  const rights = new Set(requests.flatMap((request) => rightOf(request) ?? []).map(withoutPlace));
  return [...rights].filter((right) => !everyRight?.has(right));
}

/** The rule of a `missing right:` line or of a refusal, as it stands in the log. */
export function rightsNamed(text: string): readonly Right[] {
  const rule =
    /apiGroups: (?<groups>\[.*?\]), resources: (?<resources>\[.*?\]), verbs: (?<verbs>\[.*?\]) in (?:a ClusterRole|a Role in namespace (?<namespace>\S+?))(?:;|$)/.exec(
      text,
    )?.groups;
  if (rule === undefined) throw new Error(`no rule is named in: ${text}`);
  const list = (json: string | undefined): readonly string[] => JSON.parse(json ?? '[]') as readonly string[];
  return list(rule.groups).flatMap((group) =>
    list(rule.resources).flatMap((resource) =>
      list(rule.verbs).map((verb) => ({ verb, group, resource, namespace: rule.namespace ?? null })),
    ),
  );
}
