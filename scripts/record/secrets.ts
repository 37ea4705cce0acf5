import type { StandIns } from './stand-ins.ts';

/**
 * Takes out of a text what looks like a credential, whoever wrote it there: PEM blocks, JSON Web Tokens, the tokens of
 * well-known services, user and password of a URL, its query, the values behind `password=` and its relatives, what
 * follows `Bearer`, configurations printed byte by byte, command lines in the kubelet's words, and every long run
 * without a break that no word, name or path is.
 *
 * What takes their place has lower-case letters and digits only, so that it fits wherever a name or an id may stand: the
 * text around it keeps its meaning (`src/calico/wrapper.ts`). Identifiers of 32 hex digits and more (sandboxes,
 * containers, digests) become ids of the same length.
 */
export type MaskSecrets = (text: string) => string;

export interface SecretStandIns {
  readonly secret: StandIns;
  /** For hex digits: of the same length. */
  readonly hexId: StandIns;
}

/** Shorter credentials of the recorder's own would black out words. */
const SHORTEST_LITERAL = 6;

const PEM = /-----BEGIN [A-Z0-9 ]+-----[\s\S]*?(?:-----END [A-Z0-9 ]+-----|$)/g;
/** Multus' thick plugin prints its configuration so. */
const BYTES = /\[\d{1,3}(?:[ ,]+\d{1,3}){15,}/g;
const URL = /([a-z][a-z0-9+.-]*:\/\/)((?:[^\s"<>\\]|\\(?!"))*)/gi;
/** `user:password@host` without a scheme; not the digest of an image. */
const USER_INFO = /(?<![\w/:])[^\s"'/@:=]+:[^\s"'/@]+@(?!sha\d)/g;
const JWT = /eyJ[\w-]{8,}(?:\.[\w-]*)*/g;
/** Not in the challenge of a registry (`Bearer realm="…"`). */
const AUTHORIZATION = /\b(Bearer|Basic)(\s+)(?!realm\b|auth)([A-Za-z0-9._~+/=-]{6,})/g;

const VALUE = '(?:\\\\?"[^"]*"?|\'[^\']*\'?|[^\\s"\',;&)\\]}]+)';
const PASSWORD_WORDS =
  'passw(?:or)?d|pwd|passphrase|api[-_]?key|access[-_]?key|private[-_]?key|client[-_]?secret|secret[-_]?key';
const SECRET_WORDS = `${PASSWORD_WORDS}|secret|token|credentials?`;
/** `--token=x`, `DB_PASSWORD=x`. */
const ASSIGNED = new RegExp(`((?:${SECRET_WORDS})[\\w.-]{0,40}\\\\?["']?\\s{0,3}:?=\\s{0,3})(${VALUE})`, 'gi');
/** `password: x`; a colon behind `token` or `secret` is prose (`failed to fetch token: denied`) … */
const AFTER_COLON = new RegExp(`((?:${PASSWORD_WORDS})[\\w-]{0,40}\\\\?["']?:\\s{0,3})(${VALUE})`, 'gi');
/** … unless it is JSON: `"token": "x"`. */
const IN_JSON = new RegExp(`((?:${SECRET_WORDS})[\\w-]{0,40}\\\\?["']:\\s{0,3})(${VALUE})`, 'gi');

const WELL_KNOWN =
  /\b(?:(?:AKIA|ASIA|AGPA|AIDA|AROA)[A-Z0-9]{12,}|gh[oprsu]_\w{20,}|github_pat_\w{20,}|glpat-[\w-]{16,}|xox[abeoprs]-[\w-]{10,}|[rs]k_(?:live|test)_\w{10,}|npm_\w{30,}|dckr_pat_[\w-]{20,}|hvs\.[\w-]{20,}|AIza[\w-]{30,})/g;

/** The kubelet's words around what somebody typed as a command, and around what that wrote. */
const COMMANDS: readonly (readonly [RegExp, string])[] = [
  [/(lifecycle hook \()\[[\s\S]*?\](?=\))/g, '$1[]'],
  [/\bcommand '[\s\S]*?'(?= exited)/g, "command ''"],
  [/, message: "[\s\S]*"$/g, ', message: ""'],
];

/** Base64 in both alphabets, hex, base32. A credential is hardly shorter. */
const LONG_RUN = /[A-Za-z0-9+/_-]{32,}={0,2}/g;

/** `literals`: credentials that are known. */
export function createMaskSecrets({ secret, hexId }: SecretStandIns, literals: readonly string[] = []): MaskSecrets {
  const known = literals.filter(({ length }) => length >= SHORTEST_LITERAL).toSorted((a, b) => b.length - a.length);
  const second = (_match: string, before: string, value: string): string => before + secret(value);
  return (text) => {
    // A short plain word can hold none of it: most strings are such.
    if (/^[\w-]{0,15}$/.test(text) && !known.includes(text)) return text;
    let masked = text;
    for (const literal of known) masked = masked.replaceAll(literal, secret(literal));
    for (const [words, instead] of COMMANDS) masked = masked.replace(words, instead);
    return masked
      .replace(PEM, secret)
      .replace(BYTES, '[0')
      .replace(URL, (_url, scheme: string, rest: string) => scheme + withoutCredentials(rest))
      .replace(USER_INFO, (info) => `${secret(info)}@`)
      .replace(JWT, secret)
      .replace(AUTHORIZATION, (_match, word: string, space: string, value: string) => word + space + secret(value))
      .replace(ASSIGNED, second)
      .replace(IN_JSON, second)
      .replace(AFTER_COLON, second)
      .replace(WELL_KNOWN, secret)
      .replace(LONG_RUN, (run) => maskRun(run, secret, hexId));
  };
}

/** Of what follows `https://`: neither user and password, nor query and fragment; with the punctuation of the text around it. */
function withoutCredentials(rest: string): string {
  const [, url = '', punctuation = ''] = /^([\s\S]*?)([:.,;)'\]]*)$/.exec(rest) ?? [];
  // Whatever a password holds, the last @ ends it; only the digest of an image has one of its own.
  const end = url.replace(/@(?=sha\d)/g, ' ').lastIndexOf('@');
  return url.slice(end + 1).replace(/[?#][\s\S]*$/, '') + punctuation;
}

/** A piece of a path, a name or a reason. */
const WORD = /^(?:[a-z0-9]{0,31}|[A-Z][a-z]{1,30}\d{0,3}|[A-Z0-9]{1,12})$/;
/** `RequiredDuringScheduling`; only in runs that are too short for most credentials. */
const CAMEL_CASE = /^[a-z]*(?:[A-Z]{1,4}[a-z]{2,})+$/;
const SURELY_A_BLOB = 40;
const HEX_ID = /^[0-9a-f]{32,}$/;

function maskRun(run: string, secret: StandIns, hexId: StandIns): string {
  const isWord = (piece: string): boolean => WORD.test(piece) || (run.length < SURELY_A_BLOB && CAMEL_CASE.test(piece));
  const pieces = run.split(/([/_+-])/);
  if (pieces.every((piece, index) => index % 2 === 1 || isWord(piece))) return run;
  if (/[A-Z=]/.test(run)) return secret(run);
  // Names made of several words keep those that are words, so that what belongs together still begins the same.
  return pieces
    .map((piece, index) => {
      if (index % 2 === 1 || isWord(piece)) return piece;
      return HEX_ID.test(piece) ? hexId(piece) : secret(piece);
    })
    .join('');
}
