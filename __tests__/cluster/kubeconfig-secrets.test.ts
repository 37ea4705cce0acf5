import { describe, expect, test } from '@jest/globals';
import { parseKubeconfig } from '../../src/cluster/kubeconfig.ts';
import { secretsOfUser } from '../../src/cluster/kubeconfig-secrets.ts';
import { aKubeconfig, base64 } from './loopback.ts';

async function secretsOf(user: object): Promise<readonly string[]> {
  const { users } = await parseKubeconfig(aKubeconfig({}, user), '/kube/config');
  return secretsOfUser(users[0] ?? null);
}

describe('the secrets of a user', () => {
  test.each<[string, object, readonly string[]]>([
    ['nothing', {}, []],
    ['a token', { token: 'the-token' }, ['the-token']],
    ['a password, also as it is sent', { username: 'me', password: 'hunter2' }, ['hunter2', base64('me:hunter2')]],
    ['a private key, also decoded', { 'client-key-data': base64('PEM') }, [base64('PEM'), 'PEM']],
    ['a certificate is none', { 'client-certificate-data': base64('PEM') }, []],
    [
      'what an auth provider keeps',
      {
        'auth-provider': {
          name: 'oidc',
          config: {
            ...{ 'id-token': 'the-id-token', 'refresh-token': 'the-refresh-token', 'client-secret': 'the-secret' },
            ...{ 'client-id': 'kubernetes', 'idp-issuer-url': 'https://issuer.example' },
          },
        },
      },
      ['the-id-token', 'the-refresh-token', 'the-secret'],
    ],
    [
      'what an exec plugin is given in variables',
      {
        exec: {
          command: 'aws',
          env: [
            { name: 'AWS_SECRET_ACCESS_KEY', value: 'the-key' },
            { name: 'AZURE_CLIENT_SECRET', value: 'the-secret' },
            { name: 'GITHUB_TOKEN', value: 'the-token' },
            { name: 'DB_PASSWORD', value: 'the-password' },
            { name: 'AWS_PROFILE', value: 'production' },
            { name: 'AZURE_FEDERATED_TOKEN_FILE', value: '/var/run/token' },
            { name: 'TOKEN_CACHE_DIR', value: '/tmp' },
            { name: 'GOOGLE_APPLICATION_CREDENTIALS', value: '/home/me/key.json' },
          ],
        },
      },
      ['the-key', 'the-secret', 'the-token', 'the-password'],
    ],
    [
      'what an exec plugin is given behind flags',
      {
        exec: {
          command: 'kubelogin',
          args: ['get-token', '--client-secret=a=b', '--server-id', 'kubernetes', '--password', 'hunter2', '--token'],
        },
      },
      ['a=b', 'hunter2', ''],
    ],
  ])('%s', async (_, user, expected) => {
    expect(await secretsOf(user)).toEqual(expected);
  });

  test('of nobody are none', () => {
    expect(secretsOfUser(null)).toEqual([]);
  });
});
