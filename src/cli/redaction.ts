import type { Secrets } from '../report/secrets.ts';
import type { TextStream } from '../report/status-line.ts';

/**
 * `stream`, with every secret so far shown as `***`: what a runner does for an action, GitLab, Jenkins and cron do not do
 * for a command line.
 */
export function redacted(stream: TextStream, secrets: Secrets): TextStream {
  return {
    get isTTY() {
      return stream.isTTY;
    },
    get columns() {
      return stream.columns;
    },
    write: (text) => stream.write(secrets.hide(text)),
  };
}
