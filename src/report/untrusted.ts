/**
 * The one door for text that came from a cluster, a server or a plugin. Whoever may name a pod, write an event or fail
 * a webhook writes this text; here it loses every power over a terminal, a runner, a Markdown page and a reader.
 */

/** "Untrusted text is capped at 4 KiB a field": bytes of UTF-8. */
const FIELD_LIMIT_BYTES = 4096;
const CUT_MARK = '…';

/**
 * CSI, OSC and the shorter escape sequences (ECMA-48), so that their parameters vanish with them. Written as text,
 * because a control character in a regular expression is a mistake nearly everywhere else.
 */
const ESCAPES = new RegExp(
  [
    String.raw`(?:\u001B\[|\u009B)[0-?]*[ -/]*[@-~]`,
    String.raw`(?:\u001B\]|\u009D)[^\u0007\u001B\u009C]*(?:\u0007|\u001B\\|\u009C)?`,
    String.raw`\u001B[ -/]*[0-~]`,
  ].join('|'),
  'gu',
);
/** What ends a line for the runner (`\n`, `\r\n`, a lone `\r`), for Unicode, or for people. */
const LINE_BREAKS = /\r\n|[\n\r\v\f\u0085\u2028\u2029]/gu;
/**
 * Control and format characters (bidirectional overrides, zero-width ones), everything that is rendered as nothing
 * (`Default_Ignorable_Code_Point`; a runner's culture-sensitive comparison skips it, so that `#<nothing>#[` is `##[`),
 * private use.
 */
const INVISIBLE = /[\p{Cc}\p{Cf}\p{Default_Ignorable_Code_Point}\p{Co}\u2800]/gu;

/** `text` without escape sequences and invisible characters, on one line (line breaks become a space), well formed. */
export function clean(text: string): string {
  return text
    .toWellFormed()
    .replaceAll(ESCAPES, '')
    .replaceAll(LINE_BREAKS, ' ')
    .replaceAll('\t', ' ')
    .replaceAll(INVISIBLE, '');
}

/** `text`, cut at a character so that it has at most `limitBytes` of UTF-8, the mark `…` of a cut included. */
export function cap(text: string, limitBytes: number = FIELD_LIMIT_BYTES): string {
  if (text.length * 3 <= limitBytes || Buffer.byteLength(text) <= limitBytes) return text;
  const room = limitBytes - Buffer.byteLength(CUT_MARK);
  const bytes = Buffer.from(text.slice(0, limitBytes));
  let end = Math.min(room, bytes.length);
  while (end > 0 && ((bytes[end] ?? 0) & 0xc0) === 0x80) end -= 1;
  return bytes.subarray(0, end).toString('utf8') + CUT_MARK;
}

/** What every field of the report, every output and every sentence about the cluster goes through: clean and capped. */
export function field(text: string, limitBytes: number = FIELD_LIMIT_BYTES): string {
  // Cut roughly before cleaning (a message may have megabytes), and exactly after it.
  const roughly = limitBytes * 4;
  return cap(clean(text.length > roughly ? text.slice(0, roughly) + CUT_MARK : text), limitBytes);
}

/**
 * `text` as one line of a log that a runner reads: never a workflow command. `::name::` counts only at the start of a
 * line (`ActionCommand.TryParseV2`), `##[name]` anywhere in it (`TryParse`).
 */
export function logLine(text: string): string {
  const line = field(text).trimEnd().replaceAll('##[', '##[\\');
  return line.trimStart().startsWith('::') ? `| ${line.trimStart()}` : line;
}

/** `text` as the value of an output: a later step may print it, so it is no command there either. */
export function printable(text: string): string {
  return cap(logLine(text));
}

/**
 * `text` as Markdown that shows exactly these characters. All punctuation becomes numeric entities, which by
 * CommonMark (§6.2) can never be structure; `<code>` keeps GitHub from linking `@names`, `#1` and addresses.
 */
export function markdown(text: string, limitBytes: number = FIELD_LIMIT_BYTES): string {
  const shown = field(text, limitBytes);
  return shown === '' ? '' : `<code>${entities(shown)}</code>`;
}

/** As `markdown`, for text that is mostly words of our own: the same entities, without `<code>`. */
export function prose(text: string, limitBytes: number = FIELD_LIMIT_BYTES): string {
  return entities(field(text, limitBytes)).replaceAll('&#64;', '&#64;<wbr>').replaceAll('&#35;', '&#35;<wbr>');
}

/**
 * `lines` as a block of Markdown from which a reader may copy them, character by character. Nothing inside a fence is
 * structure but a longer fence (CommonMark §4.5), and each text is one line.
 */
export function codeBlock(lines: readonly string[], limitBytes: number = FIELD_LIMIT_BYTES): readonly string[] {
  const shown = lines.map((line) => field(line, limitBytes));
  const longest = Math.max(0, ...shown.flatMap((line) => [...line.matchAll(/`+/gu)].map(([run]) => run.length)));
  const fence = '`'.repeat(Math.max(3, longest + 1));
  return [fence, ...shown, fence];
}

function entities(text: string): string {
  return text.replaceAll(/[!-/:-@[-`{-~]/gu, (char) => (HARMLESS.has(char) ? char : `&#${char.codePointAt(0)};`));
}

/** Punctuation without any meaning inside a line of Markdown or HTML, left alone so that the source stays readable. */
const HARMLESS: ReadonlySet<string> = new Set([' ', ',', ';', '"', "'", '%', '=', '?']);

/**
 * JSON that is safe to print where a runner reads lines: the same value; `##[` never in the text, not even with
 * characters in between that are rendered as nothing (they are written as escapes, so that a reader sees them too).
 */
export function printableJson(value: unknown, indent?: number): string {
  return JSON.stringify(value, null, indent)
    .replaceAll(/(?!\n)[\p{Cc}\p{Cf}\p{Zl}\p{Zp}\p{Default_Ignorable_Code_Point}]/gu, escaped)
    .replaceAll('##[', '##\\u005b');
}

function escaped(character: string): string {
  const units = Array.from({ length: character.length }, (_, index) => character.charCodeAt(index));
  return units.map((unit) => `\\u${unit.toString(16).padStart(4, '0')}`).join('');
}
