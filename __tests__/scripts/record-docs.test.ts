import { readFileSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { describe, expect, test } from '@jest/globals';
import { USAGE } from '../../scripts/record/options.ts';
import { RECORDED } from '../../scripts/record/resources.ts';

const ROOT = resolve(import.meta.dirname, '../..');
const PAGE = readFileSync(join(ROOT, 'docs/recording.md'), 'utf8');

describe('docs/recording.md', () => {
  test('names only scripts and flags that there are', () => {
    const { scripts } = JSON.parse(readFileSync(join(ROOT, 'package.json'), 'utf8')) as { readonly scripts: object };
    const named = [...PAGE.matchAll(/npm run (\w+)/gu)].map(([, name]) => name);
    expect(named.length).toBeGreaterThan(3);
    expect(Object.keys(scripts)).toEqual(expect.arrayContaining(named));
    const flags = [...PAGE.matchAll(/npm run record -- ([^\n#]*)/gu)].flatMap(([, line = '']) =>
      line.match(/--[a-z-]+/gu),
    );
    for (const flag of flags) expect(USAGE).toContain(`${flag} `);
  });

  test('names every list', () => {
    for (const resource of RECORDED) expect(PAGE).toContain(`\`${resource}\``);
  });

  test('shows a test whose imports are there', async () => {
    const [, snippet = ''] = /```ts\n([\s\S]*?)```/u.exec(PAGE) ?? [];
    const imports = [...snippet.matchAll(/import \{ (\w+).* \} from '(\.\.[^']+)'/gu)];
    expect(imports.length).toBe(3);
    for (const [, name = '', path = ''] of imports) {
      const module = (await import(resolve(ROOT, '__tests__/scenarios', path))) as Record<string, unknown>;
      expect(typeof module[name]).toBe('function');
    }
  });
});
