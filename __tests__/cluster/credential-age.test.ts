import { beforeAll, describe, expect, test } from '@jest/globals';
import { warningsAboutAge } from '../../src/cluster/credential-age.ts';
import type { Credentials } from '../../src/cluster/credentials.ts';
import type { Dial } from '../../src/cluster/dialer.ts';
import { aClientCertificate } from './loopback.ts';
import { aToken } from './tokens.ts';

const NOW_MS = Date.now();
const DAY_MS = 86_400_000;

let certificate: string;
beforeAll(async () => {
  ({ certificate } = await aClientCertificate());
});

function warnings(headers: Credentials['headers'], cert: Dial['tls']['cert'], nowMs: number): readonly string[] {
  const dial = { tls: { ...(cert === undefined ? {} : { cert }) } } as Dial;
  return warningsAboutAge({ credentials: { headers, certificate: null, key: null }, dial }, null, nowMs);
}

describe('the age of a token', () => {
  test.each<[string, string, readonly unknown[]]>([
    [
      'that has expired is told, with what to do',
      aToken(NOW_MS - 1_000),
      [expect.stringMatching(/^the token .* expired at 20.*: log in again/)],
    ],
    ['that has not expired is no matter', aToken(NOW_MS + 1_000), []],
    ['without an end is no matter', aToken(null), []],
    ['with nonsense for an end is no matter', aToken(1e300), []],
    ['that is no JSON Web Token is not known', 'a.b.c', []],
    ['that is anything else is not known', 'static-token', []],
  ])('%s', (_, token, expected) => {
    expect(warnings({ Authorization: `Bearer ${token}` }, undefined, NOW_MS)).toEqual(expected);
  });
});

describe('the age of a client certificate', () => {
  test.each<[string, number, readonly unknown[]]>([
    [
      'that has expired is told, with what to do',
      1_000 * DAY_MS,
      [expect.stringMatching(/^the client certificate .* expired at 20.*: renew it/)],
    ],
    ['that is good is no matter', 0, []],
    [
      'that is not good yet is told',
      -1_000 * DAY_MS,
      [expect.stringMatching(/is valid only from 20.*check the clock/)],
    ],
  ])('%s', (_, agoMs, expected) => {
    expect(warnings({}, certificate, NOW_MS + agoMs)).toEqual(expected);
    expect(warnings({}, Buffer.from(certificate), NOW_MS + agoMs)).toEqual(expected);
  });

  test('that is none is for TLS to tell', () => {
    expect(warnings({}, 'nonsense', NOW_MS)).toEqual([]);
    expect(warnings({}, undefined, NOW_MS)).toEqual([]);
  });
});
