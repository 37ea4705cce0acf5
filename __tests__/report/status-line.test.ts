import { describe, expect, test } from '@jest/globals';
import { type TextStream, textSink } from '../../src/report/status-line.ts';

interface Fake {
  readonly stream: TextStream;
  readonly text: () => string;
}

function aStream(terminal: Partial<TextStream> = {}, written: string[] = []): Fake {
  return { stream: { ...terminal, write: (text) => written.push(text) }, text: () => written.join('') };
}

/** What a terminal would show: one string per row, after carriage returns and "erase line" took effect. */
function screen(text: string): readonly string[] {
  return text.split('\n').map((row) => row.split('\r\u001B[2K').at(-1) ?? '');
}

describe('textSink on a terminal', () => {
  test('keeps the state on the last row, beneath all lines', () => {
    const written: string[] = [];
    const { stream, text } = aStream({ isTTY: true, columns: 40 }, written);
    const sink = textSink(stream, stream, false);
    sink.status('1 of 3 ready');
    sink.line('shop/web-1 is ready');
    sink.status('2 of 3 ready');
    sink.line('shop/web-2 is ready');
    expect(screen(text())).toEqual(['shop/web-1 is ready', 'shop/web-2 is ready', '2 of 3 ready']);
    sink.status('');
    sink.line('HEALTHY: 3 of 3 pods ready');
    expect(screen(text()).slice(2)).toEqual(['HEALTHY: 3 of 3 pods ready', '']);
  });

  test('never fills the last column, where a terminal would begin a new row', () => {
    const { stream, text } = aStream({ isTTY: true, columns: 10 });
    const sink = textSink(stream, stream, false);
    sink.status('123456789');
    expect(screen(text())).toEqual(['123456789']);
    sink.status('1234567890');
    expect(screen(text())).toEqual(['12345678…']);
  });

  test('writes nothing for a state that it shows already', () => {
    const { stream, text } = aStream({ isTTY: true, columns: 40 });
    const sink = textSink(stream, stream, false);
    sink.status('waiting');
    const before = text();
    sink.status('waiting');
    expect(text()).toBe(before);
  });

  test('shows the state on its own stream when the lines go elsewhere', () => {
    const lines = aStream();
    const status = aStream({ isTTY: true, columns: 40 });
    const sink = textSink(lines.stream, status.stream, false);
    sink.status('waiting');
    sink.line('a line');
    expect(lines.text()).toBe('a line\n');
    expect(screen(status.text())).toEqual(['waiting']);
  });
});

describe('textSink without a terminal', () => {
  test('writes lines and no control characters', () => {
    const { stream, text } = aStream();
    const sink = textSink(stream, stream, false);
    sink.status('waiting');
    sink.line('a line');
    sink.status('');
    expect(text()).toBe('a line\n');
  });

  test('writes a group as its title with indented details, none of them a command of a runner', () => {
    const { stream, text } = aStream();
    textSink(stream, stream, false).group('Rights', ['pods: list', '::error::red', 'a ##[error]b']);
    expect(text()).toBe('Rights\n  pods: list\n  | ::error::red\n  a ##[\\error]b\n');
  });

  test.each([
    [true, 'details\n'],
    [false, ''],
  ])('debug lines with debug %p: %j', (debug, expected) => {
    const { stream, text } = aStream();
    textSink(stream, stream, debug).debug('details');
    expect(text()).toBe(expected);
  });
});
