import { expect } from '@jest/globals';
import {
  ask,
  type ContractCase,
  type ListBody,
  listPods,
  names,
  type ObjectBody,
  podsOf,
  type StatusBody,
  watchUntil,
} from './world.ts';

const PARTIAL = ';as=PartialObjectMetadata;g=meta.k8s.io;v=v1';
const PARTIAL_LIST = ';as=PartialObjectMetadataList;g=meta.k8s.io;v=v1';
const TYPES = 'application/json, application/yaml, application/vnd.kubernetes.protobuf';
const STREAMS = 'application/json;stream=watch, application/vnd.kubernetes.protobuf;stream=watch';

/** In what form the server answers, and how it says that it cannot. */
export const ANSWERS: readonly ContractCase[] = [
  {
    name: 'what does not exist is 404, with a Status that names it',
    run: async (world) => {
      const pod = await ask<StatusBody>(world.transport, `${podsOf(world)}/nosuchpod`);
      expect([pod.status, pod.body.message, pod.body.reason]).toEqual([404, 'pods "nosuchpod" not found', 'NotFound']);
      expect(pod.body.details).toEqual({ name: 'nosuchpod', kind: 'pods' });
      const deployment = await ask<StatusBody>(
        world.transport,
        `/apis/apps/v1/namespaces/${world.namespace}/deployments/no`,
      );
      expect(deployment.body.message).toBe('deployments.apps "no" not found');
      expect(deployment.body.details).toEqual({ name: 'no', group: 'apps', kind: 'deployments' });
      const namespace = await ask<StatusBody>(world.transport, '/api/v1/namespaces/no-such-namespace');
      expect([namespace.status, namespace.body.message]).toEqual([404, 'namespaces "no-such-namespace" not found']);
      const log = await ask<StatusBody>(world.transport, `${podsOf(world)}/nosuchpod/log`, { accept: '*/*' });
      expect([log.status, log.body.message]).toEqual([404, 'pods "nosuchpod" not found']);
    },
  },
  {
    name: 'a resource that nobody serves is 404 with a Status, a group without',
    run: async ({ transport, namespace }) => {
      for (const path of [
        '/api/v1/nosuchthings',
        '/apis/apps/v2/deployments',
        '/api/v1/pods/name-without-namespace',
        `/api/v1/namespaces/${namespace}/nodes`,
        `/api/v1/namespaces/${namespace}/pods/a/nosuchpart`,
      ]) {
        const { status, body } = await ask<StatusBody>(transport, path);
        expect([path, status, body.message, body.details]).toEqual([
          path,
          404,
          'the server could not find the requested resource',
          {},
        ]);
      }
      for (const path of ['/apis/nosuchgroup.example.com/v1/things', '/nowhere']) {
        const { status, headers, text } = await ask(transport, path);
        expect([path, status, headers['content-type'], text]).toEqual([
          path,
          404,
          'text/plain; charset=utf-8',
          '404 page not found\n',
        ]);
      }
    },
  },
  {
    name: 'a method that a path does not have is 405',
    run: async (world) => {
      for (const [method, path] of [
        ['DELETE', '/api/v1/pods'],
        ['POST', `${podsOf(world)}/any`],
        ['GET', '/apis/authorization.k8s.io/v1/selfsubjectaccessreviews'],
        ['DELETE', '/version'],
      ] as const) {
        const { status, body } = await ask<StatusBody>(world.transport, path, {
          method,
          ...(method === 'POST' ? { body: '{}' } : {}),
        });
        expect([path, status, body.reason, body.message]).toEqual([
          path,
          405,
          'MethodNotAllowed',
          'the server does not allow this method on the requested resource',
        ]);
      }
    },
  },
  {
    name: 'the first media type that the server has is what it answers',
    run: async (world) => {
      for (const accept of [
        'application/json',
        '*/*',
        'application/json; charset=utf-8',
        'text/html, application/json;q=0.5, */*;q=0.1',
        'application/json;as=Nothing;g=meta.k8s.io;v=v1,application/json',
      ]) {
        const { status, headers, body } = await ask<ListBody>(world.transport, podsOf(world), { accept });
        expect([accept, status, headers['content-type'], body.kind]).toEqual([
          accept,
          200,
          'application/json',
          'PodList',
        ]);
      }
    },
  },
  {
    name: 'none that it has is 406, in words that tell which it has',
    run: async (world) => {
      const pod = `${podsOf(world)}/any`;
      const unknown = '406: Not Acceptable\n\nAvailable representations: ';
      const list = 'you requested PartialObjectMetadata, but the requested object is a list (*core.PodList)';
      for (const [path, accept, message] of [
        [podsOf(world), 'text/html', `${unknown}${TYPES}, ${STREAMS}`],
        [`${podsOf(world)}?watch=1`, 'text/html', `${unknown}${TYPES}, ${STREAMS}`],
        [podsOf(world), 'application/*', `${unknown}${TYPES}, ${STREAMS}`],
        [pod, 'text/html', `${unknown}${TYPES}`],
        [
          podsOf(world),
          'application/json;as=Nothing;g=meta.k8s.io;v=v1',
          `only the following media types are accepted: ${TYPES}`,
        ],
        [podsOf(world), `application/json${PARTIAL}`, list],
      ] as const) {
        const { status, body } = await ask<StatusBody>(world.transport, path, { accept });
        expect([path, accept, status, body.reason, body.message]).toEqual([
          path,
          accept,
          406,
          'NotAcceptable',
          message,
        ]);
      }
    },
  },
  {
    name: 'metadata can be had without the rest, of a list, an object and a watch',
    run: async (world) => {
      const whole = await listPods(world);
      const [first] = whole.items;
      const list = await ask<ListBody>(world.transport, podsOf(world), { accept: `application/json${PARTIAL_LIST}` });
      expect([list.body.kind, list.body.apiVersion]).toEqual(['PartialObjectMetadataList', 'meta.k8s.io/v1']);
      expect(names(list.body)).toEqual(names(whole));
      for (const item of list.body.items) {
        expect(Object.keys(item).toSorted()).toEqual(['apiVersion', 'kind', 'metadata']);
        expect([item.kind, item.apiVersion]).toEqual(['PartialObjectMetadata', 'meta.k8s.io/v1']);
      }
      const one = await ask<ObjectBody>(world.transport, `${podsOf(world)}/${first?.metadata.name}`, {
        accept: `application/json${PARTIAL}`,
      });
      expect(one.body).toEqual({
        kind: 'PartialObjectMetadata',
        apiVersion: 'meta.k8s.io/v1',
        metadata: first?.metadata,
      });
      const lines = await watchUntil(
        (request) => world.transport({ ...request, accept: `application/json${PARTIAL}` }),
        `${podsOf(world)}?watch=1&timeoutSeconds=20&fieldSelector=metadata.name%3D${first?.metadata.name}`,
        (seen) => seen.length > 0,
      );
      expect(lines).toEqual([{ type: 'ADDED', object: one.body }]);
    },
  },
  {
    name: 'what is wrong is told in JSON to whoever wants metadata only',
    run: async (world) => {
      const { status, headers, body } = await ask<StatusBody>(world.transport, `${podsOf(world)}/nosuchpod`, {
        accept: `application/json${PARTIAL}`,
      });
      expect([status, headers['content-type'], body.reason]).toEqual([404, 'application/json', 'NotFound']);
    },
  },
  {
    name: 'the server tells its version and its health',
    run: async ({ transport }) => {
      const { status, headers, body } = await ask<{ gitVersion: string; major: string }>(transport, '/version');
      expect([status, headers['content-type'], body.major]).toEqual([200, 'application/json', '1']);
      expect(body.gitVersion).toMatch(/^v\d+\.\d+\.\d+/);
      for (const path of ['/healthz', '/livez', '/readyz']) {
        const health = await ask(transport, path, { accept: '*/*' });
        expect([path, health.status, health.headers['content-type'], health.text]).toEqual([
          path,
          200,
          'text/plain; charset=utf-8',
          'ok',
        ]);
      }
    },
  },
  {
    name: 'the server tells what it serves',
    run: async ({ transport }) => {
      const groups = (await ask<{ groups: readonly { name: string }[] }>(transport, '/apis')).body.groups;
      expect(groups.map(({ name }) => name)).toEqual(expect.arrayContaining(['apps', 'batch']));
      const { resources } = (await ask<{ resources: readonly Served[] }>(transport, '/apis/apps/v1')).body;
      expect(resources.find(({ name }) => name === 'daemonsets')).toMatchObject({
        kind: 'DaemonSet',
        namespaced: true,
        singularName: 'daemonset',
        verbs: expect.arrayContaining(['delete', 'get', 'list', 'watch']),
      });
    },
  },
];

interface Served {
  readonly name: string;
}
