/**
 * What the Actions runner makes of a log: a port of `ActionCommand.TryParseV2` and `TryParse` and of the way in which
 * `OutputManager` cuts output into lines (actions/runner 2.336). The oracle for every test about hostile text.
 */

/** Commands that the runner has registered; the set of `ActionCommandManager`'s extensions. */
const COMMANDS: ReadonlySet<string> = new Set([
  'add-mask',
  'add-matcher',
  'add-path',
  'debug',
  'echo',
  'endgroup',
  'error',
  'group',
  'internal-set-repo-path',
  'notice',
  'remove-matcher',
  'save-state',
  'set-env',
  'set-output',
  'stop-commands',
  'warning',
]);

export interface RunnerCommand {
  readonly name: string;
  readonly line: string;
}

/** Every workflow command that the runner would carry out when it reads `output` (stdout or stderr). */
export function commandsIn(output: string): readonly RunnerCommand[] {
  return output.split(/\r\n|\r|\n/u).flatMap((line) => {
    const name = versionTwo(line) ?? versionOne(line);
    return name === null ? [] : [{ name, line }];
  });
}

function versionTwo(raw: string): string | null {
  const line = raw.trimStart();
  if (!line.startsWith('::')) return null;
  const end = line.indexOf('::', 2);
  if (end < 0) return null;
  return registered(line.slice(2, end));
}

function versionOne(raw: string): string | null {
  // Culture-sensitive searches ignore what is rendered as nothing, so the oracle does too.
  const line = raw.replaceAll(/[\p{Cf}\p{Default_Ignorable_Code_Point}\p{Cc}]/gu, '');
  const start = line.indexOf('##[');
  if (start < 0) return null;
  const end = line.indexOf(']', start);
  if (end < 0) return null;
  return registered(line.slice(start + 3, end));
}

function registered(info: string): string | null {
  const space = info.indexOf(' ');
  const name = (space < 0 ? info : info.slice(0, space)).toLowerCase();
  return COMMANDS.has(name) ? name : null;
}
