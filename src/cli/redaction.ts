import type { TextStream } from '../report/status-line.ts';

/** Shorter secrets would also be hidden where they are part of ordinary words. */
const LEAST_SECRET_LENGTH = 6;

/**
 * `stream`, with every secret that was added to `secrets` so far shown as `***`: what a runner does for an action,
 * GitLab, Jenkins and cron do not do for a command line.
 */
export function redacted(stream: TextStream, secrets: ReadonlySet<string>): TextStream {
  return {
    get isTTY() {
      return stream.isTTY;
    },
    get columns() {
      return stream.columns;
    },
    write: (text) => stream.write(hide(text, secrets)),
  };
}

function hide(text: string, secrets: ReadonlySet<string>): string {
  return [...secrets]
    .filter((secret) => secret.length >= LEAST_SECRET_LENGTH)
    .reduce((hidden, secret) => hidden.replaceAll(secret, '***'), text);
}
