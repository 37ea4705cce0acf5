import { expect, test } from '@jest/globals';
import { describeTarget, ruleFor, targetOf } from '../../src/cluster/request-target.ts';

test.each<['GET' | 'POST' | 'DELETE', string, string]>([
  ['GET', '/api/v1/pods?limit=500', 'list pods in all namespaces'],
  ['GET', '/api/v1/pods?watch=1&resourceVersion=5', 'watch pods in all namespaces'],
  ['GET', '/api/v1/pods?fieldSelector=watch%3D1', 'list pods in all namespaces'],
  ['GET', '/api/v1/namespaces/shop/pods', 'list pods in namespace shop'],
  ['GET', '/api/v1/namespaces/shop/pods/web-1', 'get pods/web-1 in namespace shop'],
  ['GET', '/api/v1/namespaces/shop/pods/web-1/log?tailLines=10', 'get pods/web-1 (log) in namespace shop'],
  ['GET', '/api/v1/namespaces/shop', 'get namespaces/shop'],
  ['GET', '/api/v1/nodes', 'list nodes'],
  ['GET', '/apis/apps/v1/daemonsets', 'list daemonsets.apps in all namespaces'],
  [
    'DELETE',
    '/api/v1/namespaces/calico-system/pods/calico-node-x',
    'delete pods/calico-node-x in namespace calico-system',
  ],
  [
    'POST',
    '/apis/authorization.k8s.io/v1/selfsubjectaccessreviews',
    'create selfsubjectaccessreviews.authorization.k8s.io',
  ],
  ['GET', '/version', 'get /version'],
  ['GET', '/api/v1/namespaces/%zz/pods', 'list pods in namespace %zz'],
])('%s %s is told as: %s', (method, path, words) => {
  expect(describeTarget(targetOf(method, path))).toBe(words);
});

test('a rule stands as in a manifest', () => {
  expect(
    ruleFor({ group: 'apps', resources: ['deployments', 'daemonsets'], verbs: ['list', 'watch'], namespace: null }),
  ).toBe('apiGroups: ["apps"], resources: ["deployments", "daemonsets"], verbs: ["list", "watch"] in a ClusterRole');
});
