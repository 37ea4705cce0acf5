import { globSync, readFileSync } from 'node:fs';
import { dirname, join, relative, resolve } from 'node:path';
import { describe, expect, test } from '@jest/globals';

const SRC = resolve(import.meta.dirname, '../src');

/** The layers, and what a module of each may load when it runs; types may come from anywhere. */
const MAY_LOAD: Readonly<Record<string, readonly string[]>> = {
  health: ['health', 'leaf', 'objects'],
  calico: ['calico', 'health', 'leaf', 'objects'],
  report: ['leaf', 'objects', 'report'],
  cluster: ['cluster', 'leaf', 'objects'],
  objects: ['leaf', 'objects'],
};

/** The one part of Calico's that changes a cluster, and so talks to it. */
const TALKS_TO_CLUSTER = 'calico/restart.ts';

/** Files at the top of `src` that decide about one word or one number, and load nothing but each other. */
const LEAVES = [
  'clock',
  'contract',
  'duration',
  'kubeconfig-path',
  'label-syntax',
  'printable',
  'selector',
  'timing',
  'version',
];

/** The layer of a file by its path in `src`: its folder, `leaf`, or `face` for all that stands above the layers. */
function layerOf(file: string): string {
  const [first = '', second] = file.split('/');
  if (second === undefined) return LEAVES.includes(first.replace(/\.ts$/, '')) ? 'leaf' : 'face';
  if (first === 'cli') return 'face';
  if (!(first in MAY_LOAD)) throw new Error(`the folder ${first} is no layer yet: say in MAY_LOAD what it may know`);
  return first;
}

/** The files of `src` that `source` loads when it runs: `import type` and lists of nothing but types are left out. */
function loadedBy(file: string, source: string): readonly string[] {
  const imports = source.matchAll(/^(?:import|export)\s+(?!type\b)([^;']*?)\s*(?:from\s+)?'(\.[^']+)'/gm);
  return [...imports]
    .filter(([, names = '']) => !/^\{(?:\s*type\s+[^,}]+,?)+\s*\}$/.test(names))
    .map(([, , path = '']) => relative(SRC, join(SRC, dirname(file), path)));
}

/** Each import that goes against the arrows, as `from → to`. */
function wrongArrows(file: string, source: string): readonly string[] {
  const layer = layerOf(file);
  if (layer === 'face' || file === TALKS_TO_CLUSTER) return [];
  const allowed = MAY_LOAD[layer] ?? ['leaf'];
  return loadedBy(file, source)
    .filter((loaded) => !allowed.includes(layerOf(loaded)))
    .map((loaded) => `${file} → ${loaded}`);
}

const files = globSync('**/*.ts', { cwd: SRC }).sort();

test.each(files)('%s loads only what its layer may know', (file) => {
  expect(wrongArrows(file, readFileSync(join(SRC, file), 'utf8'))).toEqual([]);
});

describe('an arrow that goes the wrong way', () => {
  test.each([
    ['health/pod.ts', `import { request } from '../cluster/request.ts';`, 'health/pod.ts → cluster/request.ts'],
    [
      'cluster/api.ts',
      `import {\n  type Cause,\n  causes,\n} from '../health/causes.ts';`,
      'cluster/api.ts → health/causes.ts',
    ],
    ['report/log.ts', `export * from '../gate.ts';`, 'report/log.ts → gate.ts'],
    ['clock.ts', `import './gate.ts';`, 'clock.ts → gate.ts'],
  ])('is found in %s', (file, source, arrow) => {
    expect(wrongArrows(file, source)).toEqual([arrow]);
  });

  test.each([
    ['health/pod.ts', `import type { Api } from '../cluster/api.ts';`],
    ['health/pod.ts', `import { type Api, type Page } from '../cluster/api.ts';`],
    ['gate.ts', `import { request } from './cluster/request.ts';`],
    ['calico/restart.ts', `import { request } from '../cluster/request.ts';`],
  ])('is not seen in %s: %s', (file, source) => {
    expect(wrongArrows(file, source)).toEqual([]);
  });
});
