import { existsSync, mkdtempSync, readFileSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { Right } from '../__tests__/scenarios/rbac.ts';
import type { FaceResult, FaceWatch } from '../simulator/face-process.ts';
import { type ActionResult, runAction } from '../simulator/run-action.ts';
import { runCli } from '../simulator/run-cli.ts';
import type { Report } from '../src/report/report.ts';
import { AUDIT_LOG } from './cluster/control-plane.ts';
import { inCluster } from './cluster/places.ts';
import type { Cluster } from './harness.ts';

export interface GateRun extends ActionResult {
  readonly report: Report;
}

/** Runs the built action on a cluster, as a step of a workflow does. */
export async function runGate(
  { kubeconfig }: Pick<Cluster, 'kubeconfig'>,
  inputs: Readonly<Record<string, string>>,
  watch: FaceWatch = {},
): Promise<GateRun> {
  const result = await runAction({ inputs, env: { KUBECONFIG: kubeconfig }, ...watch });
  keepLog(inputs, result);
  const file = result.outputs['report-file'];
  if (!file) throw new Error(`the gate wrote no report:\n${result.stdout}${result.stderr}`);
  return { ...result, report: JSON.parse(readFileSync(file, 'utf8')) as Report };
}

/** Runs the built command line on a cluster, as somebody types it in a folder of their own. */
export async function runCommandLine(
  { kubeconfig }: Pick<Cluster, 'kubeconfig'>,
  args: readonly string[],
): Promise<FaceResult> {
  const folder = mkdtempSync(join(tmpdir(), 'calico-health-gate-'));
  return await runCli({ args, folder, env: { KUBECONFIG: kubeconfig } });
}

/** A gate that runs. */
export interface StartedGate {
  readonly ended: Promise<GateRun>;
  /** Resolves when its log has such a line; rejects when it ends without one. */
  readonly said: (line: RegExp) => Promise<void>;
}

/** `runGate`, for scenarios in which something happens while it looks. */
export function startGate(cluster: Pick<Cluster, 'kubeconfig'>, inputs: Readonly<Record<string, string>>): StartedGate {
  let log = '';
  const heard = new EventTarget();
  const onOutput = (text: string): void => {
    log += text;
    heard.dispatchEvent(new Event('output'));
  };
  const ended = runGate(cluster, inputs, { onOutput });
  // Whoever awaits it is told; whoever does not yet, later.
  ended.catch(() => {});
  return {
    ended,
    said: async (line) => {
      const found = new Promise<void>((resolve) => {
        const look = (): void => {
          if (line.test(log)) resolve();
        };
        heard.addEventListener('output', look);
        look();
      });
      const never = ended.then(({ stdout }) => {
        if (!line.test(log)) throw new Error(`the gate ended and never said ${line}:\n${stdout}`);
      });
      await Promise.race([found, never]);
    },
  };
}

let runs = 0;

/** What the gate said lies beside the components' logs, for whoever has to find out why a test failed. */
function keepLog(inputs: Readonly<Record<string, string>>, { stdout, stderr }: ActionResult): void {
  if (!existsSync(inCluster('logs'))) return;
  runs += 1;
  const settings = Object.entries(inputs).map(([input, value]) => `${input}: ${value}\n`);
  const file = inCluster('logs', `gate-${process.pid}-${String(runs).padStart(3, '0')}.log`);
  writeFileSync(file, `${settings.join('')}\n${stdout}${stderr}`);
}

/** One request of the gate, as the API server's audit log has it. */
export interface AuditedRequest {
  /** When the API server received it (ms since the epoch, by its clock). */
  readonly atMs: number;
  readonly verb: string;
  readonly requestURI: string;
  readonly code: number;
  /** What RBAC was asked for, in the API server's own words; null: of no resource, or what everybody may do. */
  readonly right: Right | null;
}

interface AuditEvent {
  readonly stage: string;
  readonly user: { readonly username: string };
  readonly requestReceivedTimestamp: string;
  readonly verb: string;
  readonly requestURI: string;
  readonly objectRef?: {
    readonly resource: string;
    readonly subresource?: string;
    readonly namespace?: string;
    readonly apiGroup?: string;
  };
  readonly responseStatus?: { readonly code?: number };
}

/**
 * Begins to note what the gate asks as `user`; the function returns all requests since then: those that were answered, or
 * all DELETEs that were received, answered or not. Only on our own cluster, where only the gate and the accounts of
 * `GATE_NAMESPACE` are audited.
 */
export function auditGate(
  user = 'calico-health-gate',
  stage: 'RequestReceived' | 'ResponseComplete' = 'ResponseComplete',
): () => readonly AuditedRequest[] {
  const before = auditLines().length;
  return () =>
    auditedSince(before)
      .filter((event) => event.user.username === user && event.stage === stage)
      .map(requestIn);
}

/** Every request that was audited since the cluster was made: of gates, whoever ran them. */
export function auditedEver(): readonly AuditedRequest[] {
  return auditedSince(0).map(requestIn);
}

function auditedSince(line: number): readonly AuditEvent[] {
  return auditLines()
    .slice(line)
    .map((text) => JSON.parse(text) as AuditEvent);
}

function requestIn(event: AuditEvent): AuditedRequest {
  const { requestReceivedTimestamp, verb, requestURI, responseStatus } = event;
  const code = responseStatus?.code ?? 0;
  return { atMs: Date.parse(requestReceivedTimestamp), verb, requestURI, code, right: rightIn(event) };
}

function rightIn({ verb, objectRef }: AuditEvent): Right | null {
  if (objectRef === undefined || objectRef.resource === 'selfsubjectaccessreviews') return null;
  const { resource, subresource, namespace = null, apiGroup: group = '' } = objectRef;
  return { verb, group, resource: subresource === undefined ? resource : `${resource}/${subresource}`, namespace };
}

/** The rights that these requests used: those that were not refused. */
export function rightsUsed(requests: readonly AuditedRequest[]): readonly Right[] {
  return requests.filter(({ code }) => code !== 403).flatMap(({ right }) => right ?? []);
}

function auditLines(): readonly string[] {
  const lines = readFileSync(inCluster(AUDIT_LOG), 'utf8').split('\n');
  // The last piece is empty, or a line that is being written.
  return lines.slice(0, -1);
}

/** Of these requests those that change something. Access reviews are created, and change nothing. */
export function changesAmong(requests: readonly AuditedRequest[]): readonly AuditedRequest[] {
  const reading: ReadonlySet<string> = new Set(['get', 'list', 'watch']);
  return requests.filter(
    ({ verb, requestURI }) => !reading.has(verb) && !requestURI.includes('/selfsubjectaccessreviews'),
  );
}
