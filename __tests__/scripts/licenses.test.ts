import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, test } from '@jest/globals';
import { bundledPackageList, licensesText } from '../../scripts/licenses.ts';

let root: string;
beforeEach(() => {
  root = mkdtempSync(join(tmpdir(), 'licenses-test-'));
});
afterEach(() => {
  rmSync(root, { recursive: true, force: true });
});

function install(folder: string, version: string, files: Readonly<Record<string, string>>): void {
  mkdirSync(join(root, folder), { recursive: true });
  const name = folder.split('node_modules/').at(-1);
  writeFileSync(join(root, folder, 'package.json'), JSON.stringify({ name, version, license: 'MIT' }));
  for (const [file, text] of Object.entries(files)) writeFileSync(join(root, folder, file), text);
}

/** What esbuild says about a bundle made of these files, each with so many bytes in it. */
function metafile(bytes: Readonly<Record<string, number>>): Parameters<typeof bundledPackageList>[0] {
  const inputs = Object.fromEntries(Object.entries(bytes).map(([path, bytesInOutput]) => [path, { bytesInOutput }]));
  return { inputs: {}, outputs: { 'index.js': { bytes: 1, inputs, imports: [], exports: [] } } };
}

describe('the packages of a bundle', () => {
  test('are listed once, by name and version, each with the text of all its license files', () => {
    install('node_modules/@b/two', '2.0.0', { 'LICENSE.md': 'two\r\nlines\r\n', NOTICE: 'noticed' });
    install('node_modules/a', '1.0.0', { LICENSE: 'old' });
    install('node_modules/@b/two/node_modules/a', '10.0.0', { 'license.txt': 'new' });
    const packages = bundledPackageList(
      metafile({
        'src/main.ts': 10,
        'node_modules/@b/two/lib/x.js': 10,
        'node_modules/@b/two/lib/y.js': 10,
        'node_modules/@b/two/node_modules/a/index.js': 10,
        'node_modules/a/index.js': 10,
      }),
      root,
    );
    expect(packages).toEqual([
      { name: '@b/two', version: '2.0.0', license: 'MIT', text: 'two\nlines\n\nnoticed' },
      { name: 'a', version: '1.0.0', license: 'MIT', text: 'old' },
      { name: 'a', version: '10.0.0', license: 'MIT', text: 'new' },
    ]);
  });

  test('leave out what was shaken off and what only has a stand-in', () => {
    install('node_modules/a', '1.0.0', { LICENSE: 'a' });
    const files = { 'node_modules/a/index.js': 0, 'stand-in:node_modules/a/index.js.cjs': 10 };
    expect(bundledPackageList(metafile(files), root)).toEqual([]);
  });

  test('include those that a package has built into its own files', () => {
    install('node_modules/jsonpath-plus', '10.0.0', { LICENSE: 'paths' });
    install('node_modules/jsep', '1.6.0', { LICENSE: 'another major' });
    install('node_modules/jsonpath-plus/node_modules/jsep', '1.4.0', { LICENSE: 'expressions' });
    install('node_modules/@jsep-plugin/assignment', '1.0.0', { LICENSE: 'assignments' });
    install('node_modules/@jsep-plugin/regex', '1.0.0', { LICENSE: 'patterns' });
    const version = 'in jsonpath-plus 10.0.0';
    expect(bundledPackageList(metafile({ 'node_modules/jsonpath-plus/dist/index.js': 1 }), root)).toEqual([
      { name: '@jsep-plugin/assignment', version, license: 'MIT', text: 'assignments' },
      { name: '@jsep-plugin/regex', version, license: 'MIT', text: 'patterns' },
      { name: 'jsep', version, license: 'MIT', text: 'expressions' },
      { name: 'jsonpath-plus', version: '10.0.0', license: 'MIT', text: 'paths' },
    ]);
  });

  test('may not be shipped without a license text', () => {
    install('node_modules/a', '1.0.0', { 'README.md': 'MIT, honestly' });
    expect(() => bundledPackageList(metafile({ 'node_modules/a/index.js': 1 }), root)).toThrow(
      'cannot ship a 1.0.0: it has no license file',
    );
  });
});

describe('licenses.txt', () => {
  test('names each package with version and license above its text', () => {
    const text = licensesText([{ name: 'a', version: '1.0.0', license: 'MIT', text: 'do what you like' }]);
    expect(text).toMatch(/\n-{80}\n\na 1\.0\.0 \(MIT\)\n\ndo what you like\n$/);
  });
});
