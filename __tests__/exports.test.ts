/** What nobody imports is not exported: it is either dead, or the affair of its own file. */
import { globSync, readFileSync } from 'node:fs';
import { dirname, join, resolve } from 'node:path';
import { expect, test } from '@jest/globals';

const ROOT = resolve(import.meta.dirname, '..');
const files = globSync('{src,simulator,scripts,e2e,bench,__tests__}/**/*.ts', { cwd: ROOT }).sort();
const sources = new Map(files.map((file) => [file, readFileSync(join(ROOT, file), 'utf8')]));

/** Types are left out: one that stands in the signature of an exported function is for its readers. */
const EXPORT = /^export (?:async )?(?:const|function\*?|class) (?<name>\w+)/gmu;
const IMPORT =
  /(?:import|export)\s+(?:type\s+)?(?:\{(?<names>[^}]*)\}|\*(?:\s+as\s+\w+)?)\s+from\s+'(?<path>\.[^']+)'/gmu;

/** `file name` of everything that a file imports by name; `file *` where it takes all of it, and re-exports count. */
function importsOf(file: string, source: string): readonly string[] {
  const late = [...source.matchAll(/\bimport\('(?<path>\.[^']+)'\)/gu)];
  const whole = late.map(({ groups = {} }) => `${join(dirname(file), groups.path ?? '')} *`);
  const named = [...source.matchAll(IMPORT)].flatMap(({ groups = {} }) => {
    const from = join(dirname(file), groups.path ?? '');
    if (groups.names === undefined) return [`${from} *`];
    const names = groups.names.split(',').map((name) =>
      name
        .trim()
        .replace(/^type\s+/u, '')
        .replace(/\s+as\s+.*$/u, ''),
    );
    return names.filter((name) => name !== '').map((name) => `${from} ${name}`);
  });
  return [...whole, ...named];
}

test('nothing is exported that no other file imports', () => {
  const imported = new Set([...sources].flatMap(([file, source]) => importsOf(file, source)));
  const exported = [...sources].flatMap(([file, source]) =>
    [...source.matchAll(EXPORT)].map(({ groups = {} }) => ({ file, name: groups.name ?? '' })),
  );
  expect(exported.length).toBeGreaterThan(500);
  const unused = exported.filter(({ file, name }) => !imported.has(`${file} ${name}`) && !imported.has(`${file} *`));
  expect(unused.map(({ file, name }) => `${file}: ${name}`)).toEqual([]);
});
