import { expect } from '@jest/globals';
import { ask, type ContractCase, type ContractWorld, podsOf, type Reply, type StatusBody } from './world.ts';

const REVIEWS = '/apis/authorization.k8s.io/v1/selfsubjectaccessreviews';
const RULES = '/apis/authorization.k8s.io/v1/selfsubjectrulesreviews';

interface Review extends StatusBody {
  readonly spec: unknown;
}
interface AccessReview {
  readonly kind: string;
  readonly spec: unknown;
  readonly status: { readonly allowed: boolean };
}

async function review<T>(
  transport: ContractWorld['transport'],
  path: string,
  kind: string,
  spec: object,
): Promise<Reply<T>> {
  const body = JSON.stringify({ kind, apiVersion: 'authorization.k8s.io/v1', spec });
  return await ask<T>(transport, path, { method: 'POST', body });
}

async function mayDo(transport: ContractWorld['transport'], resourceAttributes: object): Promise<boolean> {
  const kind = 'SelfSubjectAccessReview';
  const { status, body } = await review<AccessReview>(transport, REVIEWS, kind, { resourceAttributes });
  expect([status, body.kind, body.spec]).toEqual([201, kind, { resourceAttributes }]);
  return body.status.allowed;
}

/** What the gate may do, and how it is told that it may not. */
export const ACCESS: readonly ContractCase[] = [
  {
    name: 'an access review says what may be done, and everybody may ask',
    run: async ({ transport, powerless, namespace }) => {
      for (const asked of [
        { namespace, verb: 'delete', resource: 'pods' },
        { namespace, verb: 'get', resource: 'pods', subresource: 'log' },
        { verb: 'list', group: 'apps', resource: 'deployments' },
      ]) {
        expect([asked, await mayDo(transport, asked)]).toEqual([asked, true]);
        expect([asked, await mayDo(powerless.transport, asked)]).toEqual([asked, false]);
      }
    },
  },
  {
    name: 'a review of nothing, or of everything at once, is invalid',
    run: async ({ transport }) => {
      const attributes = { resourceAttributes: { verb: 'get', resource: 'pods' } };
      const words = /^\.authorization\.k8s\.io "" is invalid: spec(?:\.\w+)?: Invalid value: /;
      for (const spec of [{}, { ...attributes, nonResourceAttributes: { verb: 'get', path: '/healthz' } }]) {
        const { status, body } = await review<Review>(transport, REVIEWS, 'SelfSubjectAccessReview', spec);
        expect([status, body.reason, body.message]).toEqual([422, 'Invalid', expect.stringMatching(words)]);
      }
    },
  },
  {
    name: 'a review that cannot be read is a bad request',
    run: async ({ transport }) => {
      for (const [body, message] of [
        ['nonsense', /^the object provided is unrecognized \(must be of type SelfSubjectAccessReview\): couldn't get/],
        ['{"kind":"Pod","apiVersion":"v1"}', /^Pod in version "v1" cannot be handled as a SelfSubjectAccessReview/],
      ] as const) {
        const answer = await ask<StatusBody>(transport, REVIEWS, { method: 'POST', body });
        expect([answer.status, answer.body.reason]).toEqual([400, 'BadRequest']);
        expect(answer.body.message).toMatch(message);
      }
    },
  },
  {
    name: 'a rules review lists what may be done in a namespace',
    run: async ({ transport, powerless, namespace }) => {
      const mayRead = async (who: ContractWorld['transport']): Promise<boolean> => {
        const { status, body } = await review<RulesReview>(who, RULES, 'SelfSubjectRulesReview', { namespace });
        expect([status, body.kind, body.status.incomplete]).toEqual([201, 'SelfSubjectRulesReview', false]);
        const has = (list: readonly string[], wanted: string): boolean => list.includes(wanted) || list.includes('*');
        return body.status.resourceRules.some(
          ({ verbs, apiGroups, resources }) => has(verbs, 'list') && has(apiGroups, '') && has(resources, 'pods'),
        );
      };
      expect([await mayRead(transport), await mayRead(powerless.transport)]).toEqual([true, false]);
      const nowhere = await review<StatusBody>(transport, RULES, 'SelfSubjectRulesReview', {});
      expect([nowhere.status, nowhere.body.message]).toEqual([400, 'no namespace on request']);
    },
  },
  {
    name: 'who may not do something is told so in the server’s words',
    run: async ({ powerless, namespace }) => {
      const pods = `/api/v1/namespaces/${namespace}/pods`;
      const here = `in the namespace "${namespace}"`;
      const everywhere = 'at the cluster scope';
      for (const [method, path, subject, what, where] of [
        ['GET', pods, 'pods', 'list resource "pods" in API group ""', here],
        ['GET', '/api/v1/pods', 'pods', 'list resource "pods" in API group ""', everywhere],
        ['GET', '/api/v1/nodes?watch=1', 'nodes', 'watch resource "nodes" in API group ""', everywhere],
        [
          'GET',
          '/apis/apps/v1/deployments',
          'deployments.apps',
          'list resource "deployments" in API group "apps"',
          everywhere,
        ],
        ['GET', `${pods}/a`, 'pods "a"', 'get resource "pods" in API group ""', here],
        ['GET', `${pods}?fieldSelector=metadata.name%3Da`, 'pods "a"', 'list resource "pods" in API group ""', here],
        ['GET', `${pods}/a/log`, 'pods "a"', 'get resource "pods/log" in API group ""', here],
        ['DELETE', `${pods}/a`, 'pods "a"', 'delete resource "pods" in API group ""', here],
        [
          'GET',
          `/api/v1/namespaces/${namespace}`,
          `namespaces "${namespace}"`,
          'get resource "namespaces" in API group ""',
          here,
        ],
        ['GET', '/api/v1/namespaces', 'namespaces', 'list resource "namespaces" in API group ""', everywhere],
      ] as const) {
        const { status, body } = await ask<StatusBody>(powerless.transport, path, { method });
        expect([path, status, body.reason, body.code]).toEqual([path, 403, 'Forbidden', 403]);
        expect(body.message).toBe(`${subject} is forbidden: User "${powerless.user}" cannot ${what} ${where}`);
      }
    },
  },
  {
    name: 'the details of a refusal name resource and object',
    run: async ({ powerless, namespace }) => {
      const details = async (path: string): Promise<unknown> =>
        (await ask<StatusBody>(powerless.transport, path)).body.details;
      expect(await details(`/apis/apps/v1/namespaces/${namespace}/deployments/a`)).toEqual({
        name: 'a',
        group: 'apps',
        kind: 'deployments',
      });
      expect(await details('/api/v1/pods')).toEqual({ kind: 'pods' });
    },
  },
  {
    name: 'rights come before everything else that may be wrong',
    run: async (world) => {
      const { transport } = world.powerless;
      for (const query of ['limit=abc', 'labelSelector=%3D', 'watch=1&resourceVersion=abc', 'continue=garbage']) {
        expect([query, (await ask(transport, `${podsOf(world)}?${query}`)).status]).toEqual([query, 403]);
      }
      expect((await ask(transport, podsOf(world), { accept: 'text/html' })).status).toBe(403);
    },
  },
  {
    name: 'everybody who is known may read version and health',
    run: async ({ powerless }) => {
      for (const path of ['/version', '/healthz', '/readyz']) {
        expect([path, (await ask(powerless.transport, path)).status]).toEqual([path, 200]);
      }
    },
  },
  {
    name: 'a token that nobody has given out is refused wherever it is shown',
    run: async (world) => {
      for (const path of [podsOf(world), '/version', `${podsOf(world)}?watch=1`, '/nowhere']) {
        const { status, body } = await ask(world.stranger, path);
        expect([path, status, body]).toEqual([
          path,
          401,
          {
            kind: 'Status',
            apiVersion: 'v1',
            metadata: {},
            status: 'Failure',
            message: 'Unauthorized',
            reason: 'Unauthorized',
            code: 401,
          },
        ]);
      }
    },
  },
];

interface RulesReview {
  readonly kind: string;
  readonly status: {
    readonly incomplete: boolean;
    readonly resourceRules: readonly {
      readonly verbs: readonly string[];
      readonly apiGroups: readonly string[];
      readonly resources: readonly string[];
    }[];
  };
}
