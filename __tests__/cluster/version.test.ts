import { expect, test } from '@jest/globals';
import { readKubernetesVersion } from '../../src/cluster/version.ts';
import { aServer, aStatus, type Reply } from './fake-server.ts';

test.each<[string, Reply, string]>([
  ['is told', { body: { major: '1', gitVersion: 'v1.34.4' } }, 'v1.34.4'],
  ['may not be read', aStatus(403, 'Forbidden'), ''],
  ['is not served', aStatus(404, 'NotFound'), ''],
  ['is something else', { body: { gitVersion: 134 } }, ''],
])('the version of a server that %s', async (_, reply, expected) => {
  const { api, clock } = aServer(() => reply);
  await expect(clock.run(readKubernetesVersion(api, {}))).resolves.toBe(expected);
});

test('there is no version without a server that lets us in', async () => {
  const { api, clock } = aServer(() => aStatus(401, 'Unauthorized'));
  await expect(clock.run(readKubernetesVersion(api, {}))).rejects.toMatchObject({ kind: 'unauthorized' });
});
