import { ConnectError } from './connect-error.ts';
import { readSmallBytes } from './small-file.ts';

/** Bundles of all authorities of the world have some hundred kilobytes. */
const CERTIFICATE_LIMIT_BYTES = 4 * 1024 * 1024;

/**
 * The content of a certificate's or key's file in base64, as kubeconfigs hold it. Read without blocking: on a pipe that
 * nobody writes to, or a share that is gone, nothing else would happen any more, not even the end of the run. Rejects with
 * ConnectError that names the file; `source`: who names it.
 */
export async function readCertificateFile(path: string, source: string): Promise<string> {
  try {
    const content = await readSmallBytes(path, CERTIFICATE_LIMIT_BYTES);
    // Without an authority of its own a server would be trusted by those of this machine.
    if (content.byteLength === 0) throw new Error('it is empty');
    return content.toString('base64');
  } catch (cause) {
    const { code, message } = cause as NodeJS.ErrnoException;
    throw new ConnectError(`the ${source} names the file ${path}, which cannot be read: ${code ?? message}`, {
      reason: 'KubeconfigInvalid',
      cause,
    });
  }
}
