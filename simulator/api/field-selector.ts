import type { KubeObject } from '../objects.ts';
import type { Parsed } from './label-selector.ts';
import type { Resource } from './resources.ts';

export type Matcher = (object: KubeObject) => boolean;

const everything: Matcher = () => true;

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
    'status.podIPs',
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
export function parseFieldSelector(text: string, resource: Resource): Parsed {
  const matchers: Matcher[] = [];
  for (const term of text.split(',').filter((part) => part !== '')) {
    const match = /^([^=!]*)(!=|==|=)(.*)$/.exec(term);
    if (!match) return { refused: `invalid selector: '${text}'; can't understand '${term}'` };
    const [, path = '', operator, value] = match;
    if (!METADATA_FIELDS.includes(path) && !FIELDS[resource.kind]?.includes(path)) {
      return { refused: unknownField(path, resource) };
    }
    matchers.push(
      operator === '!=' ? (object) => fieldOf(object, path) !== value : (object) => fieldOf(object, path) === value,
    );
  }
  return { matches: matchers.length === 0 ? everything : (object) => matchers.every((matches) => matches(object)) };
}

/** Each group says it in its own way (`pkg/apis/*\/v1/conversion.go`, `runtime/conversion.go`). */
function unknownField(path: string, { group, kind }: Resource): string {
  if (group === '') return `field label not supported: ${path}`;
  return group === 'batch' && kind === 'Job'
    ? `field label "${path}" not supported for Job`
    : `"${path}" is not a known field selector: only "metadata.name", "metadata.namespace"`;
}

/** The object that a field selector names: who may read only that one may list and watch it by its name. */
export function nameSelected(text: string): string | undefined {
  return text
    .split(',')
    .map((term) => /^metadata\.name==?(.+)$/.exec(term)?.[1])
    .find((name) => name !== undefined);
}
