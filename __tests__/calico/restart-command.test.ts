import { execFileSync } from 'node:child_process';
import { expect, test } from '@jest/globals';
import fc from 'fast-check';
import { restartCommand } from '../../src/calico/restart-command.ts';

const target = { namespace: 'calico-system', pod: 'calico-node-x' };

test.each<[string, string | null, string]>([
  ['no context', null, 'kubectl delete pod -n calico-system calico-node-x'],
  ['an empty one', '', 'kubectl delete pod -n calico-system calico-node-x'],
  ['a plain one', 'admin@prod', 'kubectl delete pod -n calico-system calico-node-x --context admin@prod'],
  [
    'one of a cloud',
    'arn:aws:eks:eu-west-1:1:cluster/x',
    'kubectl delete pod -n calico-system calico-node-x --context arn:aws:eks:eu-west-1:1:cluster/x',
  ],
  ['one with a space', 'my cluster', "kubectl delete pod -n calico-system calico-node-x --context 'my cluster'"],
  [
    'one that would be a command',
    "x'; rm -rf ~; '",
    "kubectl delete pod -n calico-system calico-node-x --context 'x'\\''; rm -rf ~; '\\'''",
  ],
])('the command with %s', (_, context, expected) => {
  expect(restartCommand(target, context)).toBe(expected);
});

test('a shell reads back exactly the words that were meant, whatever they hold', () => {
  const word = fc
    .string({ unit: 'binary', minLength: 1, maxLength: 12 })
    .filter((text) => !/[\0\uD800-\uDFFF]/.test(text));
  const meant = fc.sample(fc.tuple(word, word, word), { numRuns: 200, seed: 3 });
  const script = meant
    .map(([namespace, pod, context]) => restartCommand({ namespace, pod }, context))
    .map((command) => command.replace(/^kubectl/, "printf '%s\\0'"))
    .join('\n');
  const words = execFileSync('/bin/sh', ['-c', script], { encoding: 'utf8' }).split('\0').slice(0, -1);
  expect(words).toEqual(
    meant.flatMap(([namespace, pod, context]) => ['delete', 'pod', '-n', namespace, pod, '--context', context]),
  );
});
