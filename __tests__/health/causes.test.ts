import { describe, expect, test } from '@jest/globals';
import { adviceFor } from '../../src/health/advice.ts';
import type { Cause } from '../../src/health/assessment.ts';
import { CAUSES, CURED_BY_RESTART } from '../../src/health/causes.ts';
import { describePatience, patienceMs } from '../../src/health/patience.ts';
import { compareCauses } from '../../src/health/worst-first.ts';
import { TIMING } from '../../src/timing.ts';
import { aFinding, MINUTE, SECOND } from '../builders.ts';

const causes = Object.keys(CAUSES) as Cause[];

describe('the table of causes', () => {
  test.each(causes)('%s has a title, a meaning and advice that read as sentences do', (cause) => {
    const { title, means, advice } = CAUSES[cause];
    expect(title).toMatch(/^[a-zC].*[^.]$/);
    expect(means).toMatch(/^[A-Z].*\.$/);
    expect(advice).toMatch(/^[a-z].*[^.]$/);
  });

  test.each(causes)('the advice for %s leaves no placeholder, whatever the finding lacks', (cause) => {
    expect(adviceFor(aFinding({ cause }))).not.toMatch(/[{}]/);
    expect(adviceFor(aFinding({ cause, pod: null, node: null, owner: null }))).not.toMatch(/[{}]/);
  });

  test('advice names what the finding is about', () => {
    const finding = aFinding({ cause: 'CrashLoop', namespace: 'shop', pod: 'web-1' });
    expect(adviceFor(finding)).toContain('kubectl logs -n shop web-1 --previous');
    expect(adviceFor({ ...finding, cause: 'CalicoUnauthorized', node: 'n7' })).toContain('node n7');
  });

  test('a name that looks like a placeholder is not filled in', () => {
    expect(adviceFor(aFinding({ cause: 'CrashLoop', pod: '{node}' }))).toContain('{node}');
  });

  test("a restart of calico-node cures Calico's failure and no look-alike of it", () => {
    expect(CURED_BY_RESTART).toEqual(['CalicoUnauthorized']);
  });

  test('the root of others comes first and what only takes time comes last', () => {
    const sorted = (
      ['NotReady', 'StuckTerminating', 'CrashLoop', 'NodeNotReady', 'CalicoUnauthorized'] as const
    ).toSorted(compareCauses);
    expect(sorted).toEqual(['CalicoUnauthorized', 'NodeNotReady', 'CrashLoop', 'NotReady', 'StuckTerminating']);
  });
});

describe('patience', () => {
  test.each<[Cause, number | null, string]>([
    ['ImageNotFound', 30 * SECOND, '30s'],
    ['ImageUnauthorized', 60 * SECOND, '1m'],
    ['RegistryUnavailable', 5 * MINUTE, '5m'],
    ['MissingConfig', 5 * MINUTE, '5m'],
    ['Unschedulable', 5 * MINUTE, '5m'],
    ['NodeNotReady', 5 * MINUTE, '5m'],
    ['CalicoForbidden', 3 * MINUTE, '3m'],
    ['InvalidImage', 0, 'at once'],
    ['CrashLoop', 0, 'third crash'],
    ['OutOfMemory', 0, 'second time'],
    ['NotReady', null, 'until the timeout'],
    ['StuckTerminating', null, 'does not fail'],
    ['TooFewPods', TIMING.tooFewPodsMs, '1m'],
    ['CalicoUnauthorized', TIMING.calicoPatienceMs, '2m from its first event'],
  ])('%s has %p ms, which people read as "%s"', (cause, ms, words) => {
    expect(patienceMs(cause, TIMING)).toBe(ms);
    expect(describePatience(cause, TIMING)).toContain(words);
  });
});
