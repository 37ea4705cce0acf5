/** What needs no quotes in a POSIX shell. */
const PLAIN = /^[A-Za-z0-9_./:@%+,=-]+$/;

/**
 * What a person types to do the same restart: `kubectl delete pod -n NAMESPACE NAME`, with `--context` when one was
 * chosen. Each word is quoted for a POSIX shell where it needs it, so that no name can become a command.
 */
export function restartCommand(
  target: { readonly namespace: string; readonly pod: string },
  context: string | null,
): string {
  const words = ['kubectl', 'delete', 'pod', '-n', target.namespace, target.pod];
  if (context !== null && context !== '') words.push('--context', context);
  return words.map(shellQuoted).join(' ');
}

function shellQuoted(word: string): string {
  return PLAIN.test(word) ? word : `'${word.replaceAll("'", `'\\''`)}'`;
}
