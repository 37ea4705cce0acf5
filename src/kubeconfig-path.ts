import { accessSync, constants, statSync } from 'node:fs';
import { quote } from './printable.ts';

/**
 * What is said instead of a value that holds credentials. A kubeconfig in `kubeconfig:` is the usual mistake of
 * somebody who keeps it in a secret, and the runner does not reliably mask the parts of it.
 */
export const PASTED_KUBECONFIG =
  'is not shown: this is the content of a kubeconfig; write it to a file first, and give the path of that file';

/** Longer than any path that Linux takes (`PATH_MAX`). */
const MAX_PATH_LENGTH = 4096;

/** No relative path is so long without a dot or other sign; base64 of the smallest kubeconfig is longer. */
const LEAST_BASE64_LENGTH = 64;

const YAML_OR_JSON = /^(?:---|[{[&%#])|(?:^|[\s{,])["']?[A-Za-z][\w-]*["']?:(?:\s|$)/;
const BASE64 = /^[A-Za-z0-9+/_-]+={0,2}$/;
const PATH_START = /^(?:[/~.]|[A-Za-z]:[\\/])/;
/** The header of a JSON Web Token: a credential by itself. */
const TOKEN = /^eyJ[\w-]+\./;

/** Whether `value` is no path but what should stand in the file: then no message may repeat any of it. */
export function looksLikeKubeconfigContent(value: string): boolean {
  const text = value.trim();
  if (/[\r\n]/.test(text) || text.length > MAX_PATH_LENGTH) return true;
  return YAML_OR_JSON.test(text) || TOKEN.test(text) || looksLikeBase64(text);
}

function looksLikeBase64(text: string): boolean {
  if (!BASE64.test(text)) return false;
  if (!PATH_START.test(text) && (text.length >= LEAST_BASE64_LENGTH || text.endsWith('='))) return true;
  return YAML_OR_JSON.test(Buffer.from(text, 'base64').toString('latin1').trim());
}

/** Why a file cannot be read, in words that follow "cannot be read: ", or null when it can. */
export type WhyUnreadable = (path: string) => string | null;

/** The problem of a `kubeconfig` that cannot be read, or null; an empty one and one that is no path are not looked at. */
export function unreadableKubeconfig(value: string, whyUnreadable: WhyUnreadable): string | null {
  const path = value.trim();
  if (path === '' || looksLikeKubeconfigContent(path) || /\p{Cc}/u.test(path)) return null;
  const reason = whyUnreadable(path);
  if (reason === null) return null;
  const hint = path.startsWith('~') ? ' ("~" is replaced by a shell only: write the whole path)' : '';
  return `\`kubeconfig\` is ${quote(path)}, which cannot be read: ${reason}${hint}; allowed: the path of a file that can be read, or nothing`;
}

/** Asks the file system. A pipe (`<(…)` of a shell) is as good as a file. */
export const whyFileIsUnreadable: WhyUnreadable = (path) => {
  try {
    accessSync(path, constants.R_OK);
    return statSync(path).isDirectory() ? 'it is a directory' : null;
  } catch (error) {
    return wordsFor(String((error as NodeJS.ErrnoException).code));
  }
};

function wordsFor(code: string): string {
  switch (code) {
    case 'ENOENT':
      return 'there is no such file';
    case 'EACCES':
    case 'EPERM':
      return 'permission denied';
    case 'ENOTDIR':
      return 'a part of the path is no directory';
    default:
      return code;
  }
}
