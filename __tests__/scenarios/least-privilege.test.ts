import { beforeAll, describe, expect, test } from '@jest/globals';
import { CALICO } from './broken-node.ts';
import { JUDGED, manifestsFor, neededRights, requestsIn, VARIANTS, type Variant } from './needed-rights.ts';
import {
  faultsOf,
  granted,
  type Manifest,
  MODES,
  type Mode,
  nameOf,
  permit,
  type Rule,
  rightOf,
  rightsBeyond,
  rightsOf,
} from './rbac.ts';

const CASES = VARIANTS.flatMap((variant) => MODES.map((mode): [Variant, Mode] => [variant, mode]));

describe('the rights in rbac/', () => {
  test.each(CASES)('%s, %s: grants what the gate uses in that mode, no more and no less', async (variant, mode) => {
    const needed = await neededRights(mode, variant);
    expect(needed.length).toBeGreaterThan(10);
    expect(faultsOf(manifestsFor(mode, variant), needed)).toEqual([]);
  });

  test.each<[Variant, Mode, readonly string[]]>([
    ['cluster-wide', 'observe', ['list events everywhere', 'list events in shop', 'list events in web']],
    ['cluster-wide', 'diagnose', []],
    ['cluster-wide', 'restart', []],
    [
      'namespaced',
      'observe',
      [
        `list daemonsets.apps in ${CALICO}`,
        'list daemonsets.apps everywhere',
        'list events in shop',
        'list events in web',
        'list nodes everywhere',
      ],
    ],
    // Pods of other namespaces on an affected node would be witnesses.
    ['namespaced', 'diagnose', ['list daemonsets.apps everywhere', 'list nodes everywhere', 'list pods everywhere']],
    ['namespaced', 'restart', ['list daemonsets.apps everywhere', 'list nodes everywhere', 'list pods everywhere']],
  ])('%s, %s: who has just these is refused no more than that', async (variant, mode, expected) => {
    const requests = await requestsIn(mode, variant, permit(rightsOf(manifestsFor(mode, variant))));
    const refused = requests.filter(({ status }) => status === 403).flatMap((request) => rightOf(request) ?? []);
    expect([...new Set(refused.map(nameOf))].sort()).toEqual([...expected].sort());
  });

  test.each(VARIANTS)('%s: only the DELETE of pods in the namespace of Calico changes anything', (variant) => {
    const rights = rightsOf(manifestsFor('restart', variant));
    const changing = rights.filter(({ verb }) => !['get', 'list', 'watch'].includes(verb));
    expect(changing.map(nameOf)).toEqual([`delete pods in ${CALICO}`]);
  });

  test.each(MODES)('namespaced, %s: none is for all namespaces', (mode) => {
    const places = new Set(rightsOf(manifestsFor(mode, 'namespaced')).map(({ namespace }) => namespace));
    expect([...places]).toEqual(mode === 'observe' ? [...JUDGED] : [...JUDGED, CALICO]);
  });

  test('are all that the gate asks for in any test that plays it: the harness sees to that', () => {
    const asked = (method: string, path: string): readonly string[] => rightsBeyond([{ method, path }]);
    expect(asked('DELETE', `/api/v1/namespaces/${CALICO}/pods/calico-node-x`)).toEqual([]);
    expect(asked('GET', '/api/v1/secrets?limit=500')).toEqual(['list secrets']);
    expect(asked('DELETE', `/apis/apps/v1/namespaces/${CALICO}/daemonsets/calico-node`)).toEqual([
      'delete daemonsets.apps',
    ]);
    expect(asked('DELETE', `/api/v1/namespaces/${CALICO}/pods`)).toEqual(['deletecollection pods']);
  });

  test('each mode has the rights of the one before', () => {
    const names = MODES.map((mode) => granted(mode).map(nameOf));
    expect(names[1]).toEqual(expect.arrayContaining(names[0] ?? []));
    expect(names[2]).toEqual(expect.arrayContaining(names[1] ?? []));
  });
});

/** What somebody might add to a rule. */
const VERBS = ['get', 'list', 'watch', 'create', 'update', 'patch', 'delete', 'deletecollection', 'impersonate', '*'];
const RESOURCES = ['pods', 'pods/exec', 'pods/eviction', 'pods/log', 'secrets', 'nodes', 'events', 'daemonsets', '*'];
const GROUPS = ['', 'apps', 'batch', 'events.k8s.io', '*'];

/** One change of one of the manifests, and what is to be noticed of it. */
interface Mutation {
  readonly what: string;
  readonly manifests: readonly Manifest[];
}

function mutationsOf(manifests: readonly Manifest[]): readonly Mutation[] {
  return manifests.flatMap((manifest, index) => {
    const name = `${manifest.kind} ${manifest.metadata.namespace ?? ''}/${manifest.metadata.name}`;
    const { metadata, rules = [] } = manifest;
    const changed: (readonly [string, ...Manifest[]])[] = [
      ...rules.flatMap((rule, at) =>
        changesOf(rule).map(
          ([what, ...instead]) => [what, { ...manifest, rules: rules.toSpliced(at, 1, ...instead) }] as const,
        ),
      ),
    ];
    if (manifest.rules !== undefined) {
      const secrets = { apiGroups: [''], resources: ['secrets'], verbs: ['get'] };
      changed.push(['one rule more', { ...manifest, rules: [...rules, secrets] }]);
      changed.push(['labels', { ...manifest, metadata: { ...metadata, labels: {} } as Manifest['metadata'] }]);
      changed.push(['an aggregationRule', { ...manifest, aggregationRule: {} } as Manifest]);
    }
    if (manifest.roleRef !== undefined) {
      const everybody = { kind: 'Group', name: 'system:authenticated' };
      const { kind, roleRef, subjects = [] } = manifest;
      changed.push(['one subject more', { ...manifest, subjects: [...subjects, everybody] }]);
      changed.push(['no subject', { ...manifest, subjects: [] }]);
      changed.push(['another role', { ...manifest, roleRef: { kind: 'ClusterRole', name: 'cluster-admin' } }]);
      // The same rules for all namespaces, which needs a ClusterRole.
      const role = manifests.find((each) => each.kind === 'Role' && each.metadata.name === roleRef.name);
      if (kind === 'RoleBinding' && role !== undefined) {
        changed.push([
          'for all namespaces',
          { ...role, kind: 'ClusterRole' },
          { ...manifest, kind: 'ClusterRoleBinding', roleRef: { ...roleRef, kind: 'ClusterRole' } },
        ]);
      }
    }
    if (metadata.namespace !== undefined) {
      changed.push(['in another namespace', { ...manifest, metadata: { ...metadata, namespace: 'elsewhere' } }]);
    }
    if (!['Namespace', 'ServiceAccount'].includes(manifest.kind)) changed.push(['left out']);
    changed.push(['another kind beside it', manifest, { ...manifest, kind: 'Secret' }]);
    return changed.map(([what, ...instead]) => ({
      what: `${name}: ${what}`,
      manifests: manifests.toSpliced(index, 1, ...instead),
    }));
  });
}

function changesOf(rule: Rule): readonly (readonly [string, ...Rule[]])[] {
  const { apiGroups = [], resources = [], verbs } = rule;
  const where = `${verbs.join()} ${resources.join()}`;
  const added = (all: readonly string[], present: readonly string[]): readonly string[] =>
    all.filter((each) => !present.includes(each));
  return [
    ...verbs.map(
      (verb) => [`${where} without ${verb}`, { ...rule, verbs: verbs.filter((each) => each !== verb) }] as const,
    ),
    ...resources.map(
      (resource) =>
        [
          `${where} without ${resource}`,
          { ...rule, resources: resources.filter((each) => each !== resource) },
        ] as const,
    ),
    ...added(VERBS, verbs).map((verb) => [`${where} and ${verb}`, { ...rule, verbs: [...verbs, verb] }] as const),
    ...added(RESOURCES, resources).map(
      (resource) => [`${where} and ${resource}`, { ...rule, resources: [...resources, resource] }] as const,
    ),
    ...added(GROUPS, apiGroups).flatMap((group) => [
      [`${where} of ${group} instead`, { ...rule, apiGroups: [group] }] as const,
      [`${where} of ${group} too`, { ...rule, apiGroups: [...apiGroups, group] }] as const,
    ]),
    [`${where} of one name`, { ...rule, resourceNames: ['one'] }],
    [`${where} and a path`, rule, { nonResourceURLs: ['/metrics'], verbs: ['get'] }],
    [`no ${where}`],
    [`${where} twice`, rule, rule],
    [`${where} with a field that is not known`, { ...rule, notVerbs: ['get'] } as Rule],
  ];
}

describe.each(CASES)('a change of what rbac/ has for %s, %s', (variant, mode) => {
  let needed: readonly string[];

  beforeAll(async () => {
    needed = await neededRights(mode, variant);
  });

  test('does not go unnoticed, whatever it is', () => {
    const mutations = mutationsOf(manifestsFor(mode, variant));
    expect(mutations.length).toBeGreaterThan(150);
    const unnoticed = mutations.filter(({ manifests }) => faultsOf(manifests, needed).length === 0);
    expect(unnoticed.map(({ what }) => what)).toEqual([]);
  });

  test('is said by its name, when a verb is added or removed', () => {
    for (const [index, { rules = [], ...manifest }] of manifestsFor(mode, variant).entries()) {
      for (const [at, rule] of rules.entries()) {
        const [resource = ''] = rule.resources ?? [];
        const instead = (verbs: readonly string[]): readonly string[] => {
          const changed = { ...manifest, rules: rules.with(at, { ...rule, verbs }) };
          return faultsOf(manifestsFor(mode, variant).with(index, changed), needed);
        };
        expect(instead([...rule.verbs, 'patch'])).toContainEqual(
          expect.stringMatching(`^grants besides: patch ${resource}\\b`),
        );
        expect(instead(rule.verbs.slice(1))).toContainEqual(
          expect.stringMatching(`^lacks: ${rule.verbs[0]} ${resource}\\b`),
        );
      }
    }
  });
});
