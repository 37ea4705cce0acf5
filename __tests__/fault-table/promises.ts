import type { LoggedRequest } from '../../simulator/api/request-log.ts';
import type { Pod } from '../../simulator/objects.ts';
import type { Played, World } from '../harness.ts';
import { schemaProblems } from '../report/report-schema.ts';
import { commandsIn } from '../report/runner-grammar.ts';

/** Time that a run may take beyond its timeout or its cancellation. */
const GRACE_MS = 5_000;

/** What any run promises, whatever goes wrong; one sentence for each promise that was not kept. */
export function brokenPromises(played: Played, world: World, timeoutMs: number): readonly string[] {
  const { report, log, elapsedMs } = played;
  const problems: string[] = [];
  const demand = (isSo: boolean, otherwise: string): void => {
    if (!isSo) problems.push(otherwise);
  };
  demand(elapsedMs <= timeoutMs + GRACE_MS, `it took ${elapsedMs} ms`);
  demand(schemaProblems(report).length === 0, `the report is not of its schema: ${schemaProblems(report).join(', ')}`);
  demand(/^\P{Cc}+$/u.test(report.reason), `the reason is no line of text: ${report.reason}`);
  demand(!/undefined|\[object|NaN|null\b|a defect of/.test(report.reason), `the reason is odd: ${report.reason}`);
  demand(report.verdict !== 'healthy' || report.findings.every(({ fatal }) => !fatal), 'healthy, with fatal findings');
  demand(
    report.verdict !== 'healthy' || unready(world).length === 0,
    `healthy, and not ready: ${unready(world).join()}`,
  );
  demand(commandsIn(log.join('\n')).length === 0, 'a line of the log is a workflow command');
  return [...problems, ...world.sim.requests.filter(isWrite).flatMap(writeProblems)];
}

/** A row may put pods into the cluster that no server would take. */
const NO_STATUS: Pick<Pod['status'], 'phase' | 'conditions'> = { phase: 'Unknown' };

/** Pods in namespace shop, where all rows deploy, that should be ready and are not. */
function unready({ sim }: World): readonly string[] {
  return sim.cluster
    .pods('shop')
    .filter(({ metadata, status = NO_STATUS }) => {
      if (metadata.deletionTimestamp !== undefined || status.phase === 'Succeeded') return false;
      // Its owner has made another.
      if (status.phase === 'Failed' && metadata.ownerReferences !== undefined) return false;
      return !status.conditions?.some(({ type, status: is }) => type === 'Ready' && is === 'True');
    })
    .map(({ metadata }) => metadata.name);
}

function isWrite({ method }: LoggedRequest): boolean {
  return method !== 'GET';
}

/** Access reviews change nothing; besides them pods of Calico are deleted, with their uid, and nothing else. */
function writeProblems({ method, path, body }: LoggedRequest): readonly string[] {
  if (method === 'POST' && path === '/apis/authorization.k8s.io/v1/selfsubjectaccessreviews') return [];
  const isCalicoNode = /^\/api\/v1\/namespaces\/(?:calico-system|kube-system)\/pods\/calico-node-\w+$/u.test(path);
  if (method !== 'DELETE' || !isCalicoNode) return [`it sent ${method} ${path}`];
  const { preconditions } = JSON.parse(body ?? '{}') as { preconditions?: { uid?: unknown } };
  return typeof preconditions?.uid === 'string' ? [] : [`a DELETE had no precondition: ${body}`];
}
