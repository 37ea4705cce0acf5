import { describe, expect, test } from '@jest/globals';
import { bypassesProxy } from '../../src/cluster/no-proxy.ts';
import { proxyFor } from '../../src/cluster/proxy.ts';

describe('NO_PROXY', () => {
  test.each<[string, string, boolean]>([
    ['*', 'api.example', true],
    ['', 'api.example', false],
    ['api.example', 'api.example', true],
    ['api.example', 'API.Example', true],
    ['example', 'api.example', true],
    ['.example', 'api.example', true],
    ['*.example', 'api.example', true],
    ['.api.example', 'api.example', true],
    ['ample', 'api.example', false],
    ['api.example.org', 'api.example', false],
    ['other, api.example', 'api.example', true],
    ['other api.example', 'api.example', true],
    ['api.example:6443', 'api.example', true],
    ['api.example:443', 'api.example', false],
    ['10.0.0.1', '10.0.0.1', true],
    ['10.0.0.1:6443', '10.0.0.1', true],
    ['10.0.0.1:443', '10.0.0.1', false],
    ['10.0.0.0/8', '10.1.2.3', true],
    ['10.0.0.0/8', '11.1.2.3', false],
    ['10.0.0.0/8', 'api.example', false],
    ['10.0.0.0/33', '10.0.0.0', false],
    ['10.0.0.0/', '10.0.0.0', false],
    ['fd00::/8', '[fd12:3456::1]', true],
    ['fd00::/8', '[fe80::1]', false],
    ['2001:db8::1', '[2001:db8:0:0::1]', true],
    ['[2001:db8::1]:6443', '[2001:db8::1]', true],
    ['[2001:db8::1]:443', '[2001:db8::1]', false],
    ['10.0.0.0/8', '[2001:db8::1]', false],
    ['', 'localhost', true],
    ['', '127.0.0.1', true],
    ['', '127.1.2.3', true],
    ['', '[::1]', true],
    ['', 'localhost.example', false],
    [',,', 'api.example', false],
    ['.', 'api.example', false],
  ])('%j and the server %s on port 6443: bypassed %s', (noProxy, host, bypassed) => {
    expect(bypassesProxy(noProxy, host, '6443')).toBe(bypassed);
  });
});

describe('the proxy of a server', () => {
  const server = new URL('https://api.example:6443');
  test.each<[string, string | null, Record<string, string>, string | null]>([
    ['nothing is set', null, {}, null],
    ['HTTPS_PROXY is', null, { HTTPS_PROXY: 'http://proxy:3128' }, 'http://proxy:3128'],
    ['https_proxy is', null, { https_proxy: 'http://proxy:3128' }, 'http://proxy:3128'],
    ['only HTTP_PROXY is', null, { HTTP_PROXY: 'http://proxy:3128' }, null],
    ['it has no scheme', null, { HTTPS_PROXY: 'proxy:3128' }, 'http://proxy:3128'],
    ['NO_PROXY names the server', null, { HTTPS_PROXY: 'http://proxy:3128', NO_PROXY: '.example' }, null],
    ['no_proxy names the server', null, { HTTPS_PROXY: 'http://proxy:3128', no_proxy: '.example' }, null],
    [
      'the kubeconfig has one',
      'socks5://own:1080',
      { HTTPS_PROXY: 'http://proxy:3128', NO_PROXY: '*' },
      'socks5://own:1080',
    ],
  ])('when %s', (_, proxyUrl, env, expected) => {
    expect(proxyFor(server, proxyUrl, env)?.name ?? null).toBe(expected);
  });

  test('of http servers is HTTP_PROXY', () => {
    const env = { HTTP_PROXY: 'http://proxy:3128', HTTPS_PROXY: 'http://other:1' };
    expect(proxyFor(new URL('http://api.example'), null, env)?.name).toBe('http://proxy:3128');
  });

  test('is named without its credentials', () => {
    const proxy = proxyFor(server, null, { HTTPS_PROXY: 'http://me:p%40ss@proxy:3128' });
    expect(proxy).toEqual({
      url: 'http://me:p%40ss@proxy:3128',
      name: 'http://proxy:3128',
      secrets: ['p@ss', 'p%40ss', 'bWU6cEBzcw=='],
    });
  });

  test.each(['ftp://proxy', 'http://', 'http://me:secret%@proxy:3128', 'http://me:secret@'])(
    'cannot be %j, and the message does not repeat it',
    (url) => {
      expect(() => proxyFor(server, url, {})).toThrow(/proxy-url is no URL of a proxy/);
      expect(() => proxyFor(server, url, {})).not.toThrow(/secret/);
    },
  );
});
