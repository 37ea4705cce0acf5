import type { LogSink } from './log.ts';
import { logLine } from './untrusted.ts';

/** A stream of text as the process has two; `columns` only where it is a terminal. */
export interface TextStream {
  readonly write: (text: string) => unknown;
  readonly isTTY?: boolean | undefined;
  readonly columns?: number | undefined;
}

const DEFAULT_COLUMNS = 80;
/** Back to the beginning of the line, and nothing left on it (ECMA-48 `EL`). */
const CLEAR = '\r\u001B[2K';

/**
 * A log for people at a terminal and for plain CI logs: lines go to `lines`; the state in one line, rewritten in place,
 * to `status`, only where that is a terminal. The status is cleared before every line and shown again behind it, so
 * that the two never mix, also when both streams are the same terminal. Debug lines show when `debug` is set.
 */
export function textSink(lines: TextStream, status: TextStream, debug: boolean): LogSink {
  let shown = '';

  const show = (text: string): void => {
    if (status.isTTY !== true || text === shown) return;
    status.write(`${CLEAR}${text}`);
    shown = text;
  };
  const line = (text: string): void => {
    const before = shown;
    show('');
    lines.write(`${text}\n`);
    show(before);
  };

  return {
    line,
    group: (title, details) => {
      line(logLine(title));
      for (const detail of details) line(`  ${logLine(detail)}`);
    },
    debug: (text) => {
      if (debug) line(text);
    },
    status: (text) => show(cutToWidth(text, status.columns ?? DEFAULT_COLUMNS)),
  };
}

/** A line that reaches the last column would wrap, and `\r` goes back to the beginning of the last row only. */
function cutToWidth(text: string, columns: number): string {
  const characters = [...text];
  const room = Math.max(1, columns - 1);
  return characters.length <= room ? text : `${characters.slice(0, room - 1).join('')}…`;
}
