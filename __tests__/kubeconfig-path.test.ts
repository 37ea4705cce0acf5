import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, describe, expect, test } from '@jest/globals';
import { looksLikeKubeconfigContent, unreadableKubeconfig, whyFileIsUnreadable } from '../src/kubeconfig-path.ts';

const KUBECONFIG = 'apiVersion: v1\nkind: Config\nclusters: []\n';
const base64 = (text: string): string => Buffer.from(text).toString('base64');

describe('looksLikeKubeconfigContent', () => {
  test.each([
    ['YAML', KUBECONFIG],
    ['any lines', 'a\nb'],
    ['lines of a Mac', 'a\rb'],
    ['YAML folded into one line', 'apiVersion: v1 kind: Config'],
    ['flow YAML', '{apiVersion: v1}'],
    ['JSON', '{"apiVersion":"v1"}'],
    ['a document mark', '--- apiVersion'],
    ['a key at the end', 'users:'],
    ['base64', base64(KUBECONFIG)],
    ['base64 of JSON', base64('{"apiVersion":"v1"}')],
    ['base64 without padding', base64(KUBECONFIG).replace(/=+$/, '')],
    ['base64 of base64', base64(base64(KUBECONFIG))],
    ['base64 of something compressed', `H4sIAAAAAAAA${'A1b2'.repeat(20)}`],
    ['padded base64', 'c2VjcmV0LXRva2Vu='],
    ['base64 in lines', base64(KUBECONFIG.repeat(5)).replaceAll(/(.{76})/g, '$1\n')],
    ['a token', 'eyJhbGciOiJSUzI1NiJ9.eyJzdWIiOiJ4In0.c2ln'],
    ['more than any path', `/${'a/'.repeat(2_048)}`],
  ])('%s', (_form, value) => {
    expect(looksLikeKubeconfigContent(value)).toBe(true);
  });

  test.each([
    '',
    '/home/runner/.kube/config',
    '/home/runner/work/_temp/kubeconfigs/clusters/production/europe/west/one/kubeconfig',
    '~/.kube/config',
    './kube.yaml',
    'config',
    'clusters/prod',
    'kubeconfig-eu-west-1',
    '/tmp/my: file',
    'C:\\Users\\runner\\.kube\\config',
    'D:/a/_temp/kubeconfigs/clusters/production/europe/west/one/two/three/kubeconfig',
    '/tmp/config\n',
    '/dev/fd/63',
    '$KUBECONFIG',
  ])('not %j', (value) => {
    expect(looksLikeKubeconfigContent(value)).toBe(false);
  });
});

describe('unreadableKubeconfig', () => {
  test('explains a tilde that no shell has replaced', () => {
    expect(unreadableKubeconfig('~/.kube/config', () => 'there is no such file')).toContain('replaced by a shell only');
  });

  test('says nothing about a file that can be read', () => {
    expect(unreadableKubeconfig('/kube.yaml', () => null)).toBeNull();
  });
});

describe('whyFileIsUnreadable', () => {
  const folder = mkdtempSync(join(tmpdir(), 'kubeconfig-path-'));
  afterAll(() => rmSync(folder, { recursive: true }));
  const file = join(folder, 'config');
  writeFileSync(file, KUBECONFIG);

  test.each([
    [file, null],
    [folder, 'it is a directory'],
    [join(folder, 'missing'), 'there is no such file'],
    [join(file, 'below-a-file'), 'a part of the path is no directory'],
    [join(folder, 'n'.repeat(300)), 'ENAMETOOLONG'],
  ])('%s: %p', (path, reason) => {
    expect(whyFileIsUnreadable(path)).toBe(reason);
  });
});
