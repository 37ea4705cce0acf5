import { describe, expect, test } from '@jest/globals';
import { nearest } from '../../src/cli/nearest.ts';

const FLAGS = ['namespaces', 'exclude-namespaces', 'timeout', 'restart-timeout', 'json', 'context'];

describe('nearest', () => {
  test.each([
    ['namespace', 'namespaces'],
    ['namespcaes', 'namespaces'],
    ['Namespaces', 'namespaces'],
    ['exclude-namespace', 'exclude-namespaces'],
    ['timout', 'timeout'],
    ['tiemout', 'timeout'],
    ['timeout', 'timeout'],
    ['jsno', 'json'],
    ['kontext', 'context'],
  ])('%s was meant to be %s', (typed, meant) => {
    expect(nearest(typed, FLAGS)).toBe(meant);
  });

  test.each(['', 'x', 'verbose', 'watch', 'time'])('%j is near to nothing', (typed) => {
    expect(nearest(typed, FLAGS)).toBeNull();
  });
});
