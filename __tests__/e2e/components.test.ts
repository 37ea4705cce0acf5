import { readFileSync } from 'node:fs';
import { describe, expect, test } from '@jest/globals';
import { KUBERNETES_VERSION, OTHER_VERSIONS } from '../../e2e/cluster/components.ts';
import { sourceOf } from '../../e2e/cluster/places.ts';

const module = readFileSync(sourceOf('components', 'go.mod'), 'utf8');

describe('the pinned components', () => {
  test('are those of the version that the suite says it runs on', () => {
    expect(/k8s\.io\/kubernetes v(?<version>\S+)/.exec(module)?.groups?.version).toBe(KUBERNETES_VERSION);
  });

  test('take every staging module from the same release', () => {
    const staging = [...module.matchAll(/^\t(?<path>k8s\.io\/\S+) => (?<by>\S+) (?<version>\S+)$/gm)];

    expect(staging.length).toBeGreaterThan(20);
    for (const { groups } of staging) {
      expect(groups?.by).toBe(groups?.path);
      expect(groups?.version).toBe(`v${KUBERNETES_VERSION.replace(/^1/, '0')}`);
    }
  });

  test('have an older and a newer minor beside them', () => {
    const minorOf = (version: string): number => Number(version.split('.')[1]);
    const minors = OTHER_VERSIONS.map(minorOf);

    expect(Math.min(...minors)).toBeLessThan(minorOf(KUBERNETES_VERSION));
    expect(Math.max(...minors)).toBeGreaterThan(minorOf(KUBERNETES_VERSION));
  });
});
