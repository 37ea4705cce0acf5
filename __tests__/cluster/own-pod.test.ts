import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import { findOwnPod, nodeOfOwnPod } from '../../src/cluster/own-pod.ts';
import { aPod } from '../builders.ts';
import { aFolder, type Folder } from './loopback.ts';

let folder: Folder;
beforeAll(() => {
  folder = aFolder();
  folder.write('namespace', 'arc\n');
});
afterAll(() => folder.remove());

describe('the pod that the gate runs in', () => {
  const inPod = { KUBERNETES_SERVICE_HOST: '10.96.0.1', HOSTNAME: 'runner-1' };

  test('is told by its host name, and by the service account that is mounted', async () => {
    expect(await findOwnPod(inPod, folder.path)).toEqual({ name: 'runner-1', namespace: 'arc' });
  });

  test('has no namespace where none is mounted', async () => {
    expect(await findOwnPod(inPod, '/nowhere')).toEqual({ name: 'runner-1', namespace: null });
  });

  test.each([
    ['there is no cluster around it', { HOSTNAME: 'laptop' }],
    ['it has no host name', { KUBERNETES_SERVICE_HOST: '10.96.0.1' }],
  ])('is none where %s', async (_, env) => {
    expect(await findOwnPod(env, folder.path)).toBeNull();
  });
});

describe('its node', () => {
  const runner = aPod({ namespace: 'arc', name: 'runner-1', nodeName: 'n1' });
  const namesake = aPod({ namespace: 'shop', name: 'runner-1', nodeName: 'n2' });
  const own = { name: 'runner-1', namespace: 'arc' };
  const anywhere = { name: 'runner-1', namespace: null };

  test.each([
    ['is its pod’s, in scope', own, [runner], [], 'n1'],
    ['is its pod’s, among the witnesses', own, [], [runner], 'n1'],
    ['is not that of a namesake', own, [namesake], [runner], 'n1'],
    ['is not known where only a namesake was read', own, [namesake], [], null],
    ['is that of the only pod of its name, where its namespace is not known', anywhere, [], [runner], 'n1'],
    ['is not known where several have its name', anywhere, [namesake], [runner], null],
    ['is not known outside of pods', null, [runner], [], null],
  ])('%s', (_, pod, pods, witnesses, node) => {
    expect(nodeOfOwnPod(pod, { pods, witnesses })).toBe(node);
  });
});
