/** The contract's limit for one field of text that came from the cluster. */
export const TEXT_LIMIT_BYTES = 4096;

const ELLIPSIS = '…';
const ELLIPSIS_BYTES = Buffer.byteLength(ELLIPSIS);
/** UTF-8 needs at most three bytes for one UTF-16 unit. */
const MOST_BYTES_PER_UNIT = 3;

/** `text` in at most `limitBytes` bytes of UTF-8, cut between characters and marked with `…` when it was longer. */
export function capText(text: string, limitBytes: number = TEXT_LIMIT_BYTES): string {
  if (text.length * MOST_BYTES_PER_UNIT <= limitBytes) return text;
  // No more units than bytes can fit, so a message of megabytes is not encoded whole.
  const head = Buffer.from(text.slice(0, limitBytes + 1), 'utf8');
  if (head.byteLength <= limitBytes && text.length <= limitBytes) return text;
  let end = limitBytes - ELLIPSIS_BYTES;
  while (end > 0 && isContinuation(head[end])) end -= 1;
  return head.toString('utf8', 0, end) + ELLIPSIS;
}

function isContinuation(byte: number | undefined): boolean {
  return byte !== undefined && (byte & 0b1100_0000) === 0b1000_0000;
}
