/** The manifests of `rbac/`, as an API server that applies them would enforce them; and rights that requests show. */
import { readFileSync } from 'node:fs';
import { loadAllYaml, loadYaml } from '@kubernetes/client-node';
import type { Permissions } from '../../simulator/api/access.ts';
import type { LoggedRequest } from '../../simulator/api/request-log.ts';
import { targetOf } from '../../src/cluster/request-target.ts';

export const MODES = ['observe', 'diagnose', 'restart'] as const;
export type Mode = (typeof MODES)[number];

/** One verb on one resource; `namespace` null: in all namespaces, or a resource that has none. */
export interface Right {
  readonly verb: string;
  readonly group: string;
  /** With its subresource. */
  readonly resource: string;
  readonly namespace: string | null;
}

interface Manifest {
  readonly kind: string;
  readonly metadata: { readonly name: string; readonly namespace?: string };
  readonly rules?: readonly {
    readonly apiGroups: readonly string[];
    readonly resources: readonly string[];
    readonly verbs: readonly string[];
  }[];
  readonly roleRef?: { readonly kind: string; readonly name: string };
  readonly subjects?: readonly { readonly kind: string; readonly name: string; readonly namespace: string }[];
}

const ACCOUNT = 'ServiceAccount calico-health-gate/calico-health-gate';

/** What `kubectl apply -k rbac/MODE` grants to the account that it makes: roles count only where they are bound. */
export function granted(mode: Mode): readonly Right[] {
  const manifests = manifestsOf(new URL(`../../rbac/${mode}/`, import.meta.url));
  return manifests.flatMap((binding) => {
    const { roleRef, subjects = [] } = binding;
    if (roleRef === undefined) return [];
    if (!subjects.some((subject) => `${subject.kind} ${subject.namespace}/${subject.name}` === ACCOUNT)) return [];
    const namespace = binding.kind === 'RoleBinding' ? (binding.metadata.namespace ?? 'default') : null;
    const role = manifests.find(({ kind, metadata }) => {
      return (
        kind === roleRef.kind &&
        metadata.name === roleRef.name &&
        (kind === 'ClusterRole' || metadata.namespace === namespace)
      );
    });
    if (role === undefined) throw new Error(`${binding.kind} ${binding.metadata.name} binds a role that is not there`);
    return (role.rules ?? []).flatMap(({ apiGroups, resources, verbs }) =>
      apiGroups.flatMap((group) =>
        resources.flatMap((resource) => verbs.map((verb) => ({ verb, group, resource, namespace }))),
      ),
    );
  });
}

function manifestsOf(folder: URL): readonly Manifest[] {
  const { resources } = loadYaml(readFileSync(new URL('kustomization.yaml', folder), 'utf8')) as {
    readonly resources: readonly string[];
  };
  return resources.flatMap((resource) => {
    if (!resource.endsWith('.yaml')) return manifestsOf(new URL(`${resource}/`, folder));
    return loadAllYaml(readFileSync(new URL(resource, folder), 'utf8')) as readonly Manifest[];
  });
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
        (right.namespace === null || right.namespace === namespace),
    );
  };
}

/** `delete pods in calico-system`, `list pods everywhere`, `list deployments.apps everywhere`. */
export function nameOf({ verb, group, resource, namespace }: Right): string {
  return `${verb} ${resource}${group === '' ? '' : `.${group}`} ${namespace === null ? 'everywhere' : `in ${namespace}`}`;
}

/** What a request needs RBAC for; null: everybody may do it (`system:discovery`, `system:basic-user`). */
export function rightOf({ method, path }: LoggedRequest): Right | null {
  const { verb, group, resource, subresource, namespace } = targetOf(method as 'GET' | 'POST' | 'DELETE', path);
  if (resource === '' || resource === 'selfsubjectaccessreviews') return null;
  return { verb, group, resource: subresource === null ? resource : `${resource}/${subresource}`, namespace };
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
