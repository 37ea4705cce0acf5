/** Most characters of an input's value that a message repeats. */
export const MAX_SHOWN_CHARACTERS = 80;

const SHORT_ESCAPES: Readonly<Record<string, string>> = {
  '\n': '\\n',
  '\r': '\\r',
  '\t': '\\t',
  '"': '\\"',
  '\\': '\\\\',
};

/**
 * `value` in double quotes for a message: at most `MAX_SHOWN_CHARACTERS` characters (then `…`), on one line, with every
 * control, format and invisible character escaped, so that neither a terminal nor a workflow log obeys it (`##[` is a
 * command of the Actions runner anywhere in a line).
 */
export function quote(value: string): string {
  let shown = '';
  let length = 0;
  for (const character of value) {
    if (length === MAX_SHOWN_CHARACTERS) return `"${shown}…"`;
    shown += escaped(character, shown);
    length += 1;
  }
  return `"${shown}"`;
}

function escaped(character: string, before: string): string {
  const short = SHORT_ESCAPES[character];
  if (short !== undefined) return short;
  if (character === '[' && before.endsWith('##')) return '\\[';
  if (/[\p{C}\p{Zl}\p{Zp}\p{Default_Ignorable_Code_Point}]/u.test(character))
    return `\\u{${(character.codePointAt(0) ?? 0).toString(16)}}`;
  return character;
}
