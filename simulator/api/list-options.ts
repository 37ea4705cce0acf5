import { isTrue } from './request-words.ts';
import { type FieldProblem, type StatusBody, statusErrors } from './status-errors.ts';

/** metav1.ListOptions, but for the selectors. */
export interface ListOptions {
  readonly watch: boolean;
  /** 0: no limit. */
  readonly limit: number;
  readonly continueToken: string;
  readonly resourceVersion: string;
  readonly resourceVersionMatch: string;
  readonly timeoutSeconds: number | undefined;
  readonly allowWatchBookmarks: boolean;
  readonly sendInitialEvents: boolean | undefined;
}

type Parsed = { readonly options: ListOptions } | { readonly refused: StatusBody };

/** Reads the parameters of a list or watch, and refuses what does not go together as the server does. */
export function parseListOptions(query: URLSearchParams): Parsed {
  for (const name of ['limit', 'timeoutSeconds']) {
    const text = query.get(name);
    if (text !== null && !/^[-+]?\d+$/.test(text)) {
      return { refused: statusErrors.badRequest(`strconv.ParseInt: parsing "${text}": invalid syntax`) };
    }
  }
  const timeoutSeconds = query.get('timeoutSeconds');
  const sendInitialEvents = query.get('sendInitialEvents');
  const options: ListOptions = {
    watch: isTrue(query.get('watch')),
    limit: Math.max(0, Number(query.get('limit') ?? '0')),
    continueToken: query.get('continue') ?? '',
    resourceVersion: query.get('resourceVersion') ?? '',
    resourceVersionMatch: query.get('resourceVersionMatch') ?? '',
    timeoutSeconds: timeoutSeconds === null ? undefined : Number(timeoutSeconds),
    allowWatchBookmarks: isTrue(query.get('allowWatchBookmarks')),
    sendInitialEvents: sendInitialEvents === null ? undefined : isTrue(sendInitialEvents),
  };
  const problems = options.watch ? problemsOfWatch(options) : problemsOfList(options);
  return problems.length === 0
    ? { options }
    : { refused: statusErrors.invalid({ group: 'meta.k8s.io', kind: 'ListOptions' }, problems) };
}

const MATCH = 'resourceVersionMatch';

function forbidden(field: string, why: string): FieldProblem {
  return { field, reason: 'FieldValueForbidden', message: `Forbidden: ${why}` };
}

function unsupported(value: string, supported: readonly string[]): FieldProblem {
  const values = supported.map((each) => `"${each}"`).join(', ');
  return {
    field: MATCH,
    reason: 'FieldValueNotSupported',
    message: `Unsupported value: "${value}": supported values: ${values}`,
  };
}

/** `apimachinery/pkg/apis/meta/internalversion/validation`, ValidateListOptions. */
function problemsOfList(options: ListOptions): readonly FieldProblem[] {
  const { resourceVersionMatch: match, resourceVersion, continueToken, sendInitialEvents } = options;
  const problems: FieldProblem[] = [];
  if (match !== '') {
    if (resourceVersion === '')
      problems.push(forbidden(MATCH, `${MATCH} is forbidden unless resourceVersion is provided`));
    if (continueToken !== '') problems.push(forbidden(MATCH, `${MATCH} is forbidden when continue is provided`));
    if (match !== 'Exact' && match !== 'NotOlderThan') problems.push(unsupported(match, ['Exact', 'NotOlderThan', '']));
    if (match === 'Exact' && resourceVersion === '0')
      problems.push(forbidden(MATCH, `${MATCH} "exact" is forbidden for resourceVersion "0"`));
  }
  if (sendInitialEvents !== undefined)
    problems.push(forbidden('sendInitialEvents', 'sendInitialEvents is forbidden for list'));
  return problems;
}

/** The same file, validateWatchOptions. */
function problemsOfWatch(options: ListOptions): readonly FieldProblem[] {
  const { resourceVersionMatch: match, continueToken, sendInitialEvents } = options;
  const problems: FieldProblem[] = [];
  if (sendInitialEvents !== undefined && match !== 'NotOlderThan')
    problems.push(forbidden(MATCH, `sendInitialEvents requires setting ${MATCH} to NotOlderThan`));
  if (match !== '') {
    if (sendInitialEvents === undefined)
      problems.push(forbidden(MATCH, `${MATCH} is forbidden for watch unless sendInitialEvents is provided`));
    if (match !== 'NotOlderThan') problems.push(unsupported(match, ['NotOlderThan']));
  }
  if (continueToken !== '') problems.push(forbidden(MATCH, `${MATCH} is forbidden when continue is provided`));
  return problems;
}
