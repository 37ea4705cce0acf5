import { open } from 'node:fs/promises';

/** The same as text. */
export async function readSmallFile(path: string, limitBytes: number): Promise<string> {
  return (await readSmallBytes(path, limitBytes)).toString('utf8');
}

/**
 * The content of a file (or pipe) that holds no more than `limitBytes`. Rejects with the system's error, or with one that says
 * that it is larger: a token of megabytes would be masked, and looked for in every line, until long after the deadline.
 */
export async function readSmallBytes(path: string, limitBytes: number): Promise<Buffer> {
  const file = await open(path, 'r');
  try {
    const chunks: Buffer[] = [];
    let sizeBytes = 0;
    for (;;) {
      const { bytesRead, buffer } = await file.read(Buffer.alloc(CHUNK_BYTES), 0, CHUNK_BYTES, null);
      if (bytesRead === 0) return Buffer.concat(chunks, sizeBytes);
      sizeBytes += bytesRead;
      if (sizeBytes > limitBytes) throw new Error(`it is larger than ${limitBytes} bytes`);
      chunks.push(buffer.subarray(0, bytesRead));
    }
  } finally {
    await file.close();
  }
}

const CHUNK_BYTES = 64 * 1024;
