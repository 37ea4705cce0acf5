/**
 * Most characters of a text that are read. Longer than the longest genuine text: the thick Multus plugin prints its
 * configuration byte by byte (`StdinData:[123 34 …]`), some 10,000 characters, in front of the error.
 */
export const MAX_READ_CHARACTERS = 64 * 1024;

/** Ends a text that was cut, here or while it was read. */
export const CUT = '…';

/**
 * `text` on one line, the way its writer wrote it, without what copying does to a text: line wraps, tabs and `>`
 * quoting become one space; quotes that were turned into `&quot;`, into typographic ones, or escaped become plain ones.
 *
 * Quotes are restored only in a text that has no plain quote left. This is what makes it safe: a text that comes
 * straight from the API server has plain quotes in its wrapper, so nothing inside of it is ever turned into one.
 * Otherwise `calico&quot; failed (add): …` or the same with `”`, chosen as the plugin type of a
 * NetworkAttachmentDefinition and echoed in quotes by libcni, would end the quoted string it stands in.
 *
 * A text longer than `MAX_READ_CHARACTERS` is cut and marked, so that the cut is never taken for its end.
 */
export function restorePastedText(text: string): string {
  const read = text.length > MAX_READ_CHARACTERS ? text.slice(0, MAX_READ_CHARACTERS) + CUT : text;
  return withPlainQuotes(onOneLine(read));
}

/**
 * Undoes one level of Go's `%q`, and no more: what was escaped twice stays escaped once. Between two backslashes that stand
 * for one, what follows a backslash tells what it stands for; no function is called for each, a text may be full of them.
 */
export function withoutOneEscape(text: string): string {
  return text
    .split('\\\\')
    .map((part) => part.replaceAll('\\"', '"').replace(/\\[nrt]/g, ' '))
    .join('\\');
}

function onOneLine(text: string): string {
  return text
    .replace(/\n[\s>]+/g, ' ')
    .replace(/\s+/g, ' ')
    .trim();
}

function withPlainQuotes(text: string): string {
  if (/(?:^|[^\\])"/.test(text)) return text;
  if (text.includes('\\"')) return withoutOneEscape(text);
  if (text.includes('&quot;')) return text.replaceAll('&quot;', '"');
  return text.replace(/[“”„‟]/g, '"').replace(/[‘’]/g, "'");
}
