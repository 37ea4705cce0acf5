import { GarbledBody } from './body.ts';

const LINE_FEED = 0x0a;

/**
 * Cuts a stream of bytes into lines: takes pieces as they come and gives the lines that are complete, decoded, without
 * empty ones. Throws `GarbledBody` when a line is longer than `limitBytes`. What follows the last line feed is never
 * given: a line that was cut off is no line.
 */
export function createLineSplitter(limitBytes: number): (chunk: Uint8Array) => readonly string[] {
  let pieces: Uint8Array[] = [];
  let pendingBytes = 0;

  const keep = (piece: Uint8Array): void => {
    pendingBytes += piece.byteLength;
    if (pendingBytes > limitBytes) throw new GarbledBody(`a line of the watch is longer than ${limitBytes} bytes`);
    pieces.push(piece);
  };
  const take = (): string => {
    const line = Buffer.concat(pieces, pendingBytes).toString('utf8');
    pieces = [];
    pendingBytes = 0;
    return line;
  };

  return (chunk) => {
    const lines: string[] = [];
    let start = 0;
    for (let end = chunk.indexOf(LINE_FEED); end !== -1; end = chunk.indexOf(LINE_FEED, start)) {
      keep(chunk.subarray(start, end));
      const line = take();
      if (line.trim() !== '') lines.push(line);
      start = end + 1;
    }
    if (start < chunk.byteLength) keep(chunk.subarray(start));
    return lines;
  };
}
