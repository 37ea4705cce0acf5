import { describe, expect, test } from '@jest/globals';
import { calicoNeedsOf, checkAccess, deleteRightsOf, needsOf } from '../../src/cluster/access.ts';
import { aServer, aStatus, type FakeServer, networkError, type Reply } from './fake-server.ts';

interface Attributes {
  readonly verb: string;
  readonly resource: string;
  readonly group: string;
  readonly namespace?: string;
  readonly subresource?: string;
}

/** Answers reviews as `isAllowed` decides. */
function reviewer(isAllowed: (attributes: Attributes) => boolean): FakeServer {
  return aServer((request): Reply => {
    const review = JSON.parse(request.body ?? '') as { readonly spec: { readonly resourceAttributes: Attributes } };
    return {
      status: 201,
      body: { kind: 'SelfSubjectAccessReview', status: { allowed: isAllowed(review.spec.resourceAttributes) } },
    };
  });
}

const ALL = { namespaces: [], calicoNamespace: null, restartCalicoNode: true };
const SHOP = { namespaces: ['shop'], calicoNamespace: 'networking', restartCalicoNode: true };

describe('a review of rights', () => {
  test('finds nothing missing for who may do everything, and changes nothing', async () => {
    const { api, clock, asked } = reviewer(() => true);
    await expect(clock.run(checkAccess(api, needsOf(ALL)))).resolves.toMatchObject({ missing: [], unknown: [] });
    expect(new Set(asked.map(({ method, path }) => `${method} ${path}`))).toEqual(
      new Set(['POST /apis/authorization.k8s.io/v1/selfsubjectaccessreviews']),
    );
  });

  test('says the rule to add, one for all resources that lack the same, and what it costs', async () => {
    const { api, clock } = reviewer(
      ({ group, resource, verb }) => !(group === 'apps' && verb === 'watch') && resource !== 'events',
    );
    const { missing } = await clock.run(checkAccess(api, needsOf(ALL)));
    expect(missing).toEqual([
      {
        rule: 'apiGroups: ["apps"], resources: ["deployments", "statefulsets", "daemonsets"], verbs: ["watch"] in a ClusterRole',
        costs: 'it is listed every few seconds instead of watched',
      },
      {
        rule: 'apiGroups: [""], resources: ["events"], verbs: ["list", "watch"] in a ClusterRole',
        costs: expect.stringContaining('not diagnosed'),
      },
    ]);
  });

  test('asks in the namespaces of the scope, and for logs as a subresource', async () => {
    const asked: Attributes[] = [];
    const { api, clock } = reviewer((attributes) => asked.push(attributes) > 0);
    await clock.run(checkAccess(api, needsOf(SHOP)));
    expect(asked).toContainEqual({ verb: 'list', resource: 'pods', group: '', namespace: 'shop' });
    expect(asked).toContainEqual({ verb: 'get', resource: 'pods', subresource: 'log', group: '', namespace: 'shop' });
    expect(asked).toContainEqual({ verb: 'list', resource: 'daemonsets', group: 'apps', namespace: 'networking' });
    expect(asked).toContainEqual({ verb: 'list', resource: 'nodes', group: '' });
    expect(asked).toContainEqual({ verb: 'get', resource: 'namespaces', group: '', namespace: 'shop' });
  });

  test('asks of many namespaces at once, and one by one only for what is not allowed in all', async () => {
    const names = Array.from({ length: 50 }, (_, index) => `shop-${index}`);
    const asked: Attributes[] = [];
    const { api, clock } = reviewer((attributes) => {
      asked.push(attributes);
      return (
        attributes.resource !== 'jobs' || (attributes.namespace !== undefined && attributes.namespace !== 'shop-7')
      );
    });
    const { missing } = await clock.run(checkAccess(api, needsOf({ namespaces: names, calicoNamespace: null })));
    expect(missing.map(({ rule }) => rule)).toEqual([
      'apiGroups: ["batch"], resources: ["jobs"], verbs: ["list", "watch"] in a Role in namespace shop-7',
    ]);
    expect(asked.filter(({ namespace }) => namespace !== undefined).map(({ resource }) => resource)).toEqual(
      Array.from({ length: 100 }, () => 'jobs'),
    );
  });

  test('knows by namespace whether pods may be deleted', async () => {
    const { api, clock } = reviewer(({ verb, namespace }) => verb !== 'delete' || namespace === 'kube-system');
    const needs = calicoNeedsOf(ALL, ['calico-system', 'kube-system']);
    const report = await clock.run(checkAccess(api, needs));
    expect(deleteRightsOf(report)).toEqual(
      new Map([
        ['calico-system', false],
        ['kube-system', true],
      ]),
    );
    expect(report.missing.map(({ rule }) => rule)).toEqual([
      'apiGroups: [""], resources: ["pods"], verbs: ["delete"] in a Role in namespace calico-system',
    ]);
  });

  test('does not ask for the right to delete where nothing is restarted', () => {
    const needs = calicoNeedsOf({ restartCalicoNode: false }, ['calico-system']);
    expect(needs.flatMap(({ verbs }) => verbs)).toEqual(['list', 'watch']);
  });

  test.each<[string, Reply | Error]>([
    ['forbidden', aStatus(403, 'Forbidden')],
    ['not served', aStatus(404, 'NotFound')],
    ['broken', networkError('ECONNRESET')],
  ])('that is %s leaves the rights unknown, and is no error', async (_, reply) => {
    const { api, clock } = aServer(() => reply);
    const needs = needsOf(ALL);
    const report = await clock.run(checkAccess(api, needs));
    expect(report).toMatchObject({ missing: [], reviewed: [] });
    expect(report.unknown).toHaveLength(needs.length);
  });

  test('that is refused is not asked for dozens of times', async () => {
    const { api, clock, asked } = aServer(() => aStatus(403, 'Forbidden'));
    await clock.run(checkAccess(api, needsOf(ALL)));
    expect(asked.length).toBeLessThanOrEqual(4);
  });
});
