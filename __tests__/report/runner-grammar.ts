/**
 * What the Actions runner makes of a log and of a file of values: a port of `ActionCommand.TryParseV2` and `TryParse` and of the way in which
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

export interface FileValue {
  readonly key: string;
  readonly value: string;
}

/**
 * The values that the runner reads from a file such as `GITHUB_OUTPUT`: a port of `EnvFileKeyValuePairs`
 * (`FileCommandManager.cs`). Throws where the runner would fail the step.
 */
export function valuesIn(file: string): readonly FileValue[] {
  const values: FileValue[] = [];
  // The last piece is what follows the last line feed; an empty one is no line.
  const lines = file.split('\n');
  if (lines.at(-1) === '') lines.pop();
  for (let index = 0; index < lines.length; index += 1) {
    const line = lines[index] ?? '';
    if (line === '') continue;
    const heredoc = line.indexOf('<<');
    const equals = line.indexOf('=');
    if (heredoc >= 0 && (equals < 0 || heredoc < equals)) {
      const [key, delimiter] = [line.slice(0, heredoc), line.slice(heredoc + 2)];
      if (key === '' || delimiter === '') throw new Error(`invalid format: ${line}`);
      const end = lines.indexOf(delimiter, index + 1);
      if (end < 0) throw new Error(`the delimiter of ${key} was not found`);
      values.push({ key, value: lines.slice(index + 1, end).join('\n') });
      index = end;
    } else if (equals >= 0) {
      values.push({ key: line.slice(0, equals), value: line.slice(equals + 1) });
    } else throw new Error(`invalid format: ${line}`);
  }
  return values;
}
