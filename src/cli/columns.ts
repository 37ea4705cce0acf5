/** Width of everything that the command line explains: readable beside an editor, and not lost on a wide terminal. */
export const PAGE_WIDTH = 96;

/** `text` in lines of at most `width` characters, broken at spaces; a longer word stays whole on a line of its own. */
export function wrap(text: string, width: number): readonly string[] {
  const lines: string[] = [];
  let line = '';
  for (const word of text.split(' ')) {
    if (line !== '' && line.length + 1 + word.length > width) {
      lines.push(line);
      line = word;
    } else {
      line = line === '' ? word : `${line} ${word}`;
    }
  }
  return [...lines, line];
}

/** Two columns: terms, indented by two, and their descriptions from column `at` on. */
export function twoColumns(rows: readonly (readonly [term: string, description: string])[], at: number): string {
  return rows
    .flatMap(([term, description]) => {
      const [first = '', ...more] = wrap(description, PAGE_WIDTH - at);
      const begin = `  ${term}`;
      const head = begin.length < at - 1 ? [`${begin.padEnd(at)}${first}`] : [begin, `${' '.repeat(at)}${first}`];
      return [...head, ...more.map((line) => `${' '.repeat(at)}${line}`)];
    })
    .map((line) => line.trimEnd())
    .join('\n');
}
