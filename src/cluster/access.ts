import type { Gap } from '../objects/snapshot.ts';
import type { Settings } from '../settings.ts';
import type { Api } from './api.ts';
import { isApiError } from './api-error.ts';
import { isRecord } from './body.ts';
import { ruleFor } from './request-target.ts';
import { MANY_NAMESPACES } from './resource-view.ts';

/** One right that the settings need: verbs on a resource, in one namespace or in all. */
export interface Need {
  readonly group: '' | 'apps' | 'batch';
  /** With its subresource: `pods`, `pods/log`. */
  readonly resource: string;
  readonly verbs: readonly string[];
  /** null: in all namespaces, or a resource that has none. */
  readonly namespace: string | null;
  /** What is lost without it: `the verdict can only be inconclusive`. */
  readonly costs: string;
  /** The same in each of several namespaces: reviewed instead where it is not allowed in all of them. */
  readonly inEach?: readonly Need[];
}

export interface AccessReport {
  /** Every need that was reviewed, with the verbs that are not allowed. */
  readonly reviewed: readonly { readonly need: Need; readonly missingVerbs: readonly string[] }[];
  /** The rules to add for what is missing, as they stand in a manifest, and what it costs to lack them. */
  readonly missing: readonly { readonly rule: string; readonly costs: string }[];
  /** Needs that could not be reviewed (the review itself was refused or failed), and why. */
  readonly unknown: readonly { readonly need: Need; readonly why: string }[];
}

const READ = ['list', 'watch'] as const;
const REVIEWS = '/apis/authorization.k8s.io/v1/selfsubjectaccessreviews';
/** Reviews at a time. */
const LANES = 4;

type NeededBy = Pick<Settings, 'namespaces' | 'calicoNamespace'>;

/** What every run needs to observe and to diagnose, whether there is Calico or not. */
export function needsOf(settings: NeededBy): readonly Need[] {
  const { namespaces } = settings;
  const inScope = (
    group: Need['group'],
    resource: string,
    verbs: readonly string[],
    costs: string,
  ): readonly Need[] => {
    const everywhere: Need = { group, resource, verbs, namespace: null, costs };
    const inEach = namespaces.map((namespace) => ({ ...everywhere, namespace }));
    if (inEach.length === 0) return [everywhere];
    return inEach.length < MANY_NAMESPACES ? inEach : [{ ...everywhere, inEach }];
  };
  const blind = 'the verdict can be inconclusive or unhealthy, never healthy';
  return [
    ...inScope('', 'pods', READ, blind),
    ...inScope('apps', 'deployments', READ, blind),
    ...inScope('apps', 'statefulsets', READ, blind),
    ...inScope('apps', 'daemonsets', READ, blind),
    ...inScope('batch', 'jobs', READ, blind),
    ...inScope('', 'events', READ, "Calico's failure is not diagnosed and nothing is restarted"),
    { group: '', resource: 'nodes', verbs: READ, namespace: null, costs: 'what is wrong with a node is not known' },
    ...findingCalico(settings),
    ...inScope('', 'pods/log', ['get'], 'crashes are reported without their last log lines'),
    ...(namespaces.length === 0 ? [] : inScope('', 'namespaces', ['get'], NAMESPACES_COST)),
  ];
}

const NAMESPACES_COST = 'a namespace that does not exist cannot be told from an empty one';

function findingCalico({ namespaces, calicoNamespace }: NeededBy): readonly Need[] {
  if (namespaces.length === 0) return [];
  const namespace = calicoNamespace;
  const costs =
    namespace === null
      ? 'Calico is looked for in the usual namespaces only; `calico-namespace` names another'
      : 'Calico is not found there';
  return [{ group: 'apps', resource: 'daemonsets', verbs: READ, namespace, costs }];
}

/** What is needed besides, once Calico was found in `namespaces`. */
export function calicoNeedsOf(
  { restartCalicoNode }: Pick<Settings, 'restartCalicoNode'>,
  namespaces: readonly string[],
): readonly Need[] {
  return namespaces.flatMap((namespace) => {
    const read: Need = {
      group: '',
      resource: 'pods',
      verbs: READ,
      namespace,
      costs: 'the calico-node pods are not seen, and nothing is restarted',
    };
    const restart: Need = { ...read, verbs: ['delete', 'get'], costs: 'calico-node is not restarted' };
    return restartCalicoNode ? [read, restart] : [read];
  });
}

/**
 * Asks the API server which of these rights the credentials have (SelfSubjectAccessReview, allowed to everybody and
 * changing nothing). Never rejects: a review that is refused or fails is `unknown`, and the first real 403 will tell.
 */
export async function checkAccess(api: Api, needs: readonly Need[], signal?: AbortSignal): Promise<AccessReport> {
  const queue = [...needs];
  const results: (Result | undefined)[] = [];
  let refusal: string | null = null;
  const review = async (need: Need): Promise<Result> => {
    try {
      const missingVerbs: string[] = [];
      for (const verb of need.verbs) {
        if (refusal !== null) return { why: refusal };
        if (!(await isAllowed(api, need, verb, signal))) missingVerbs.push(verb);
      }
      return { missingVerbs };
    } catch (error) {
      if (!isApiError(error)) throw error;
      // Who may not ask once, may not ask at all: an API without reviews, or an account without any rights.
      if (error.kind === 'forbidden' || error.kind === 'not-found') refusal = error.message;
      return { why: error.message };
    }
  };
  let next = 0;
  const lane = async (): Promise<void> => {
    for (let index = next++; index < queue.length; index = next++) {
      const need = queue[index] as Need;
      const result = await review(need);
      if (need.inEach !== undefined && 'missingVerbs' in result && result.missingVerbs.length > 0) {
        queue.push(...need.inEach);
      } else results[index] = result;
    }
  };
  await Promise.all(Array.from({ length: LANES }, lane));

  const reviewed: { readonly need: Need; readonly missingVerbs: readonly string[] }[] = [];
  const unknown: { readonly need: Need; readonly why: string }[] = [];
  queue.forEach((need, index) => {
    const result = results[index];
    if (result === undefined) return;
    if ('why' in result) unknown.push({ need, why: result.why });
    else reviewed.push({ need, missingVerbs: result.missingVerbs });
  });
  return { reviewed, missing: rulesFor(reviewed), unknown };
}

type Result = { readonly missingVerbs: readonly string[] } | { readonly why: string };

/** The rules for what was refused (`gaps`), where the review could not tell; as a review would have named them. */
export function missingRights(
  unknown: AccessReport['unknown'],
  gaps: readonly Pick<Gap, 'resource' | 'namespace' | 'why'>[],
): AccessReport['missing'] {
  const refused = unknown
    .flatMap(({ need }) => [need, ...(need.inEach ?? [])])
    .filter(({ resource, namespace }) =>
      gaps.some((gap) => gap.why === 'forbidden' && gap.resource === resource && gap.namespace === namespace),
    );
  return rulesFor(refused.map((need) => ({ need, missingVerbs: need.verbs })));
}

/** By namespace, whether pods may be deleted there, as far as that was reviewed. */
export function deleteRightsOf({ reviewed }: AccessReport): ReadonlyMap<string, boolean> {
  const rights = new Map<string, boolean>();
  for (const { need, missingVerbs } of reviewed) {
    if (need.resource !== 'pods' || need.namespace === null || !need.verbs.includes('delete')) continue;
    rights.set(need.namespace, !missingVerbs.includes('delete'));
  }
  return rights;
}

async function isAllowed(api: Api, need: Need, verb: string, signal: AbortSignal | undefined): Promise<boolean> {
  const [resource, subresource] = need.resource.split('/');
  const resourceAttributes = {
    ...(need.namespace === null ? {} : { namespace: need.namespace }),
    verb,
    group: need.group,
    resource,
    ...(subresource === undefined ? {} : { subresource }),
  };
  const body = {
    apiVersion: 'authorization.k8s.io/v1',
    kind: 'SelfSubjectAccessReview',
    spec: { resourceAttributes },
  };
  const answer = await api.post(REVIEWS, body, signal === undefined ? {} : { signal });
  const status = isRecord(answer) ? answer.status : null;
  return isRecord(status) && status.allowed === true;
}

/** One rule for all resources of a group that lack the same verbs in the same place at the same price. */
function rulesFor(reviewed: AccessReport['reviewed']): AccessReport['missing'] {
  const groups = new Map<
    string,
    { readonly need: Need; readonly verbs: readonly string[]; readonly resources: string[]; readonly costs: string }
  >();
  for (const { need, missingVerbs } of reviewed) {
    if (missingVerbs.length === 0) continue;
    const costs = costsOf(need, missingVerbs);
    const key = JSON.stringify([need.group, need.namespace, missingVerbs, costs]);
    const group = groups.get(key) ?? { need, verbs: missingVerbs, resources: [], costs };
    if (!group.resources.includes(need.resource)) group.resources.push(need.resource);
    groups.set(key, group);
  }
  return [...groups.values()].map(({ need, verbs, resources, costs }) => ({
    rule: ruleFor({ group: need.group, resources, namespace: need.namespace, verbs }),
    costs,
  }));
}

function costsOf(need: Need, missingVerbs: readonly string[]): string {
  const missing = missingVerbs.join();
  if (missing === 'watch') return 'it is listed every few seconds instead of watched';
  const isForDelete = need.verbs.includes('delete') && missing === 'get';
  return isForDelete ? 'a DELETE whose answer gets lost cannot be told from one that was not carried out' : need.costs;
}
