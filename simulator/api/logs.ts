import type { ContainerStatus, Pod } from '../objects.ts';
import { type Answer, statusAnswer, textAnswer } from './answer.ts';
import { isTrue } from './request-words.ts';
import { type StatusBody, statusErrors } from './status-errors.ts';

/** What a container has written, line by line; `undefined`: it has not started, or there was none before it. */
export type LogReader = (
  namespace: string,
  pod: string,
  container: string | undefined,
  previous: boolean,
) => readonly string[] | undefined;

/**
 * `pods/log`: the API server's checks (`registry/core/pod/strategy.go`, LogLocation), then the kubelet's
 * (`kubelet_pods.go`, validateContainerLogStatus).
 */
export function logAnswer(pod: Pod, query: URLSearchParams, readLog: LogReader): Answer {
  const problem = problemOf(query, pod.metadata.name);
  if (problem !== null) return statusAnswer(problem);
  const container = containerOf(pod, query.get('container') ?? '');
  if ('refused' in container) return refused(container.refused);
  if (!pod.spec.nodeName) return { status: 204, headers: {}, body: textAnswer(204, []).body };
  const { name } = container;
  const previous = isTrue(query.get('previous'));
  const lines = readLog(pod.metadata.namespace ?? '', pod.metadata.name, name, previous);
  if (lines === undefined) {
    const named = `container "${name}" in pod "${pod.metadata.name}"`;
    if (previous) return refused(`previous terminated ${named} not found`);
    return refused(`${named} is waiting to start: ${whatItWaitsFor(statusOf(pod, name))}`);
  }
  const tail = query.get('tailLines');
  const shown = tail === null ? lines : lines.slice(Math.max(0, lines.length - Number(tail)));
  const text = shown.map((line) => `${line}\n`).join('');
  const limit = query.get('limitBytes');
  // From the front: what is last may not be there.
  return textAnswer(200, limit === null ? text : text.slice(0, Number(limit)), 'text/plain');
}

function refused(message: string): Answer {
  return statusAnswer(statusErrors.badRequest(message));
}

const LEAST: Readonly<Record<string, readonly [number, string]>> = {
  tailLines: [0, 'must be greater than or equal to 0'],
  limitBytes: [1, 'must be greater than 0'],
};

function problemOf(query: URLSearchParams, pod: string): StatusBody | null {
  for (const [field, [least, message]] of Object.entries(LEAST)) {
    const text = query.get(field);
    if (text === null) continue;
    if (!/^[-+]?\d+$/.test(text)) {
      return statusErrors.badRequest(`strconv.ParseInt: parsing "${text}": invalid syntax`);
    }
    if (Number(text) >= least) continue;
    const problem = { field, reason: 'FieldValueInvalid', message: `Invalid value: ${text}: ${message}` } as const;
    return statusErrors.invalid({ kind: 'PodLogOptions', name: pod }, [problem]);
  }
  return null;
}

function containerOf(
  { metadata, spec }: Pod,
  wanted: string,
): { readonly name: string } | { readonly refused: string } {
  const names = spec.containers.map(({ name }) => name);
  const initNames = (spec.initContainers ?? []).map(({ name }) => name);
  if (wanted !== '') {
    if ([...names, ...initNames].includes(wanted)) return { name: wanted };
    return { refused: `container ${wanted} is not valid for pod ${metadata.name}` };
  }
  const [only] = names;
  if (only !== undefined && names.length === 1 && initNames.length === 0) return { name: only };
  const inits = initNames.length === 0 ? '' : ` or one of the init containers: [${initNames.join(' ')}]`;
  const choice = `choose one of: [${names.join(' ')}]${inits}`;
  return { refused: `a container name must be specified for pod ${metadata.name}, ${choice}` };
}

function statusOf({ status }: Pod, container: string): ContainerStatus | undefined {
  return [...(status.containerStatuses ?? []), ...(status.initContainerStatuses ?? [])].find(
    ({ name }) => name === container,
  );
}

function whatItWaitsFor(status: ContainerStatus | undefined): string {
  const reason = status?.state.waiting?.reason ?? 'ContainerCreating';
  if (reason === 'ErrImagePull') return "image can't be pulled";
  return reason === 'ImagePullBackOff' ? 'trying and failing to pull image' : reason;
}
