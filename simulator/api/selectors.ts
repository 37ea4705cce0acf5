import type { KubeObject } from '../objects.ts';
import type { Resource } from './resources.ts';

export type Matcher = (object: KubeObject) => boolean;
/** A selector, or why the server refuses it (a 400's message). */
export type Parsed = { readonly matches: Matcher } | { readonly refused: string };

const everything: Matcher = () => true;
const KEY = '[A-Za-z0-9](?:[-A-Za-z0-9_.]*[A-Za-z0-9])?(?:/[A-Za-z0-9](?:[-A-Za-z0-9_.]*[A-Za-z0-9])?)?';
const VALUE = '[A-Za-z0-9](?:[-A-Za-z0-9_.]*[A-Za-z0-9])?|';
const REQUIREMENTS: readonly [RegExp, (found: readonly string[]) => Matcher][] = [
  [
    new RegExp(`^(${KEY})\\s*(?:==|=)\\s*(${VALUE})$`),
    ([, key = '', value]) =>
      (object) =>
        labelsOf(object)[key] === value,
  ],
  [
    new RegExp(`^(${KEY})\\s*!=\\s*(${VALUE})$`),
    ([, key = '', value]) =>
      (object) =>
        labelsOf(object)[key] !== value,
  ],
  [
    new RegExp(`^(${KEY})\\s+in\\s*\\(([^()]*)\\)$`),
    ([, key = '', values = '']) => {
      const wanted = new Set(values.split(',').map((value) => value.trim()));
      return (object) => key in labelsOf(object) && wanted.has(labelsOf(object)[key] ?? '');
    },
  ],
  [
    new RegExp(`^(${KEY})\\s+notin\\s*\\(([^()]*)\\)$`),
    ([, key = '', values = '']) => {
      const unwanted = new Set(values.split(',').map((value) => value.trim()));
      return (object) => !(key in labelsOf(object)) || !unwanted.has(labelsOf(object)[key] ?? '');
    },
  ],
  [
    new RegExp(`^(${KEY})$`),
    ([, key = '']) =>
      (object) =>
        key in labelsOf(object),
  ],
  [
    new RegExp(`^!\\s*(${KEY})$`),
    ([, key = '']) =>
      (object) =>
        !(key in labelsOf(object)),
  ],
];

function labelsOf(object: KubeObject): Readonly<Record<string, string>> {
  return object.metadata.labels ?? {};
}

/** Splits at commas outside of parentheses. */
function requirementsOf(text: string): readonly string[] {
  return text
    .split(/,(?![^(]*\))/)
    .map((part) => part.trim())
    .filter((part) => part !== '');
}

/** Equality- and set-based label selectors (`apimachinery/pkg/labels`). */
export function parseLabelSelector(text: string): Parsed {
  const matchers: Matcher[] = [];
  for (const requirement of requirementsOf(text)) {
    const found = REQUIREMENTS.map(([pattern, make]) => ({ match: pattern.exec(requirement), make })).find(
      ({ match }) => match,
    );
    if (!found?.match)
      return { refused: `unable to parse requirement: found '${requirement}', expected: a label selector` };
    matchers.push(found.make([...found.match]));
  }
  return { matches: matchers.length === 0 ? everything : (object) => matchers.every((matches) => matches(object)) };
}

/** The fields that the real server knows (`pkg/apis/core/v1/conversion.go`); other resources know only metadata's. */
const FIELDS: Readonly<Record<string, readonly string[]>> = {
  Pod: [
    'spec.nodeName',
    'spec.restartPolicy',
    'spec.schedulerName',
    'spec.serviceAccountName',
    'spec.hostNetwork',
    'status.phase',
    'status.podIP',
    'status.nominatedNodeName',
  ],
  Event: [
    'involvedObject.kind',
    'involvedObject.namespace',
    'involvedObject.name',
    'involvedObject.uid',
    'involvedObject.apiVersion',
    'involvedObject.resourceVersion',
    'involvedObject.fieldPath',
    'reason',
    'reportingComponent',
    'source',
    'type',
  ],
  Node: ['spec.unschedulable'],
  Namespace: ['status.phase'],
  Job: ['status.successful'],
};
const METADATA_FIELDS = ['metadata.name', 'metadata.namespace'];

function fieldOf(object: KubeObject, path: string): string {
  if (path === 'source') return fieldOf(object, 'source.component');
  let value: unknown = object;
  for (const part of path.split('.')) {
    value =
      value !== null && typeof value === 'object' ? (value as Readonly<Record<string, unknown>>)[part] : undefined;
  }
  if (value === undefined || value === null)
    return path === 'spec.unschedulable' || path === 'spec.hostNetwork' ? 'false' : '';
  return String(value);
}

/** Field selectors: `=`, `==` and `!=`, joined by commas (`apimachinery/pkg/fields`). */
export function parseFieldSelector(text: string, resource: Resource, labelSelector: string): Parsed {
  const matchers: Matcher[] = [];
  for (const term of text.split(',').filter((part) => part !== '')) {
    const match = /^([^=!]+)(!=|==|=)(.*)$/.exec(term);
    if (!match) return { refused: `invalid selector: '${text}'; can't understand '${term}'` };
    const [, path = '', operator, value] = match;
    if (!METADATA_FIELDS.includes(path) && !FIELDS[resource.kind]?.includes(path)) {
      const version = `${resource.group}/${resource.version}`;
      const why =
        resource.group === ''
          ? `field label not supported: ${path}`
          : `field label "${path}" not supported for ${resource.kind}`;
      return {
        refused: `Unable to find "${version}, Resource=${resource.plural}" that match label selector "${labelSelector}", field selector "${text}": ${why}`,
      };
    }
    matchers.push(
      operator === '!=' ? (object) => fieldOf(object, path) !== value : (object) => fieldOf(object, path) === value,
    );
  }
  return { matches: matchers.length === 0 ? everything : (object) => matchers.every((matches) => matches(object)) };
}
