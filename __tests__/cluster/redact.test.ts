import { describe, expect, test } from '@jest/globals';
import { redact } from '../../src/cluster/redact.ts';

const JWT = 'eyJhbGciOiJSUzI1NiJ9.eyJzdWIiOiJtZSJ9.c2lnbmF0dXJl';

describe('what looks like a credential is hidden', () => {
  test.each([
    [`refused: ${JWT} and ${'A'.repeat(64)}`, 'refused: *** and ***'],
    ['Authorization: Bearer short.token', 'Authorization: Bearer ***'],
    ['authorization = basic bWU6c2VjcmV0', 'authorization = basic ***'],
    ['{"token":"short-one","x":1}', '{"token":***,"x":1}'],
    ["client_secret='two words'", 'client_secret=***'],
    ['login with password: hunter22, failed', 'login with password: ***, failed'],
    ['GET https://me:hunter2@proxy:3128/x', 'GET https://***@proxy:3128/x'],
    ['-----BEGIN EC PRIVATE KEY-----\nMHc\nCAQEE\n-----END EC PRIVATE KEY-----\nend', '***\nend'],
    ['-----BEGIN PRIVATE KEY-----\nMHc', '***'],
  ])('%j', (said, shown) => {
    expect(redact(said)).toBe(shown);
  });

  test.each([
    'Unable to locate credentials',
    'the token has expired: run aws sso login',
    'bearer of bad news',
    'ERROR: (gcloud.config.config-helper) You do not currently have an active account selected',
    'dial tcp 10.0.0.1:443: i/o timeout',
  ])('and what is none is not: %j', (said) => {
    expect(redact(said)).toBe(said);
  });
});

test('what is known to be a credential is hidden, the longest first, whatever it looks like', () => {
  expect(redact('no hunter2-more, no hunter2', ['hunter2', 'hunter2-more'])).toBe('no ***, no ***');
  expect(redact('a web of shops', ['web', ''])).toBe('a web of shops');
});
