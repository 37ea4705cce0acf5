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
    ['login failed with password hunter2', 'login failed with password ***'],
    ['my-login --password hunter2 --user me', 'my-login --password *** --user me'],
    ['the password is "hunter2"', 'the password is "***"'],
    ['secret\nS3cret!word, again', 'secret\n***, again'],
    ['access key id AKIAIOSFODNN7EXAMPLE was refused', 'access key id *** was refused'],
    ['token correct-horse-battery-staple is wrong', 'token *** is wrong'],
    ['GET https://me:hunter2@proxy:3128/x', 'GET https://***@proxy:3128/x'],
    ['GET https://me:hunter@2@proxy:3128/x', 'GET https://***@proxy:3128/x'],
    ['-----BEGIN EC PRIVATE KEY-----\nMHc\nCAQEE\n-----END EC PRIVATE KEY-----\nend', '***\nend'],
    ['-----BEGIN PRIVATE KEY-----\nMHc', '***'],
  ])('%j', (said, shown) => {
    expect(redact(said)).toBe(shown);
  });

  test.each([
    'Unable to locate credentials',
    'the token has expired: run aws sso login',
    'bearer of bad news',
    'token has expired, password incorrect, secret missing, key not found',
    'no key in ~/.config/gcloud2, no token /var/run/secrets/token1, no credentials https://login.example/2',
    'token authentication failed with 401, key 2048',
    'ERROR: (gcloud.config.config-helper) You do not currently have an active account selected',
    'dial tcp 10.0.0.1:443: i/o timeout',
  ])('and what is none is not: %j', (said) => {
    expect(redact(said)).toBe(said);
  });
});

test.each(['', 'eyJ', 'password: ', 'token ', '://', '-----BEGIN ', 'a@', '"', 'key "', 'basic '])(
  'a megabyte of %j and blanks is read in linear time',
  (repeated) => {
    const text = `${repeated.repeat(100_000)}${' '.repeat(900_000)}`.slice(0, 1_000_000);
    expect(redact(text).length).toBeLessThanOrEqual(text.length);
  },
);

test('what is known to be a credential is hidden, the longest first, whatever it looks like', () => {
  expect(redact('no hunter2-more, no hunter2', ['hunter2', 'hunter2-more'])).toBe('no ***, no ***');
  expect(redact('a web of shops', ['web', ''])).toBe('a web of shops');
});
