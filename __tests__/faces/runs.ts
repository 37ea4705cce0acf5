import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { expect } from '@jest/globals';
import type { FaceResult } from '../../simulator/face-process.ts';
import { type HttpsServer, type HttpsServerOptions, startHttpsServer } from '../../simulator/https-server.ts';
import { type ActionResult, type ActionRun, runAction } from '../../simulator/run-action.ts';
import { type CliRun, runCli } from '../../simulator/run-cli.ts';
import { createSimulator, GATE_TOKEN, type Simulator } from '../../simulator/simulator.ts';
import { INPUTS, OUTPUTS } from '../../src/contract.ts';
import type { Report } from '../../src/report/report.ts';
import type { Inputs } from '../harness.ts';
import { schemaProblems } from '../report/report-schema.ts';
import { commandsIn, type RunnerCommand } from '../report/runner-grammar.ts';

/** A simulated cluster behind HTTPS, with a folder for the files of the runs against it. */
export interface Served {
  readonly sim: Simulator;
  readonly server: HttpsServer;
  readonly folder: string;
}

const folders = new Set<string>();
const servers = new Set<Served>();

export function aFolder(): string {
  const folder = mkdtempSync(join(tmpdir(), 'faces-'));
  folders.add(folder);
  return folder;
}

/** Writes a file that may be run; returns its path. */
export function writeFileIn(folder: string, name: string, text: string): string {
  const path = join(folder, name);
  writeFileSync(path, text, { mode: 0o700 });
  return path;
}

/** Serves a cluster until `closeAll`. Default: two nodes and Calico. */
export async function serve(
  sim: Simulator = createSimulator({ seed: 7 }),
  options: Pick<HttpsServerOptions, 'certificate'> = {},
): Promise<Served> {
  const folder = aFolder();
  const served = { sim, server: await startHttpsServer(sim, { ...options, folder }), folder };
  servers.add(served);
  return served;
}

/** Ends all servers and removes all files; to be called in `afterAll`. */
export async function closeAll(): Promise<void> {
  for (const { server, sim } of servers) {
    await server.close();
    sim.close();
  }
  servers.clear();
  for (const folder of folders) rmSync(folder, { recursive: true, force: true });
  folders.clear();
}

/** Begins now, so that runs of one file overlap; what fails is told to the test that waits for it. */
export function begin<T>(run: () => Promise<T>): Promise<T> {
  const promise = run();
  promise.catch(() => {});
  return promise;
}

export interface ActionPlayed extends ActionResult {
  /** null: none was written. */
  readonly report: Report | null;
  readonly annotations: Readonly<Record<'error' | 'warning' | 'notice', readonly string[]>>;
}

type ActionOptions = Omit<ActionRun, 'inputs'>;

/** Runs the built action against a served cluster, or against none, and holds it to what every run promises. */
export async function playAction(
  served: Served | null,
  inputs: Inputs = {},
  options: ActionOptions = {},
): Promise<ActionPlayed> {
  const kubeconfig = served === null ? {} : { kubeconfig: served.server.kubeconfig };
  // A runner sets every input; what a workflow leaves out has the default of action.yml.
  const defaults = Object.fromEntries(INPUTS.map((input) => [input.name, input.default]));
  const result = await runAction({ inputs: { ...defaults, ...kubeconfig, ...inputs }, ...options });
  folders.add(dirname(result.summaryPath));

  const file = result.outputs['report-file'] ?? '';
  const report = file === '' ? null : readReport(readFileSync(file, 'utf8'));
  const commands = commandsIn(result.stdout);
  const played = { ...result, report, annotations: annotationsIn(commands) };
  expectCommandsOfTheAction(commands, result.stderr);
  expectOutputs(played);
  expectNoSecrets(played);
  if (served !== null) expectOnlyAllowedWrites(served.sim);
  return played;
}

export interface CliPlayed extends FaceResult {
  readonly folder: string;
}

/** Runs the built command line against a served cluster, or against none, and holds it to what every run promises. */
export async function playCli(
  served: Served | null,
  args: readonly string[] = [],
  options: Partial<Omit<CliRun, 'args'>> = {},
): Promise<CliPlayed> {
  const folder = options.folder ?? aFolder();
  const kubeconfig = served === null ? [] : ['--kubeconfig', served.server.kubeconfig];
  const result = await runCli({ ...options, args: [...kubeconfig, ...args], folder });
  expect(commandsIn(result.stdout)).toEqual([]);
  expect(commandsIn(result.stderr)).toEqual([]);
  expect(`${result.stdout}${result.stderr}`).not.toContain(GATE_TOKEN);
  if (served !== null) expectOnlyAllowedWrites(served.sim);
  return { ...result, folder };
}

/** A report as it was written: of the schema, and with pods that add up. */
export function readReport(text: string): Report {
  const report = JSON.parse(text) as Report;
  expect(schemaProblems(report)).toEqual([]);
  const { total, ready, notReady, completed, starting, terminating, superseded } = report.pods;
  expect(ready + notReady + completed + starting + terminating + superseded).toBe(total);
  return report;
}

/** What the action means to say to its runner; everything else in its output came from a stranger. */
const MEANT: readonly string[] = ['add-mask', 'debug', 'endgroup', 'error', 'group', 'notice', 'warning'];
/** `_maxCountPerIssueType` of the runner: what is more is not shown. */
const MOST_ANNOTATIONS = 10;
const SUMMARY_LIMIT_BYTES = 1024 * 1024;

function expectCommandsOfTheAction(commands: readonly RunnerCommand[], stderr: string): void {
  expect(commands.filter(({ name }) => !MEANT.includes(name))).toEqual([]);
  expect(commandsIn(stderr)).toEqual([]);
}

function annotationsIn(commands: readonly RunnerCommand[]): ActionPlayed['annotations'] {
  const of = (name: string): readonly string[] =>
    commands.filter((command) => command.name === name).map(({ line }) => decoded(line));
  const annotations = { error: of('error'), warning: of('warning'), notice: of('notice') };
  for (const list of Object.values(annotations)) expect(list.length).toBeLessThanOrEqual(MOST_ANNOTATIONS);
  return annotations;
}

/** `title: message` as the runner shows it (`ActionCommand.UnescapeProperty`, `UnescapeData`). */
function decoded(line: string): string {
  const { title = '', data = '' } = /^::\w+(?: title=(?<title>[^:,]*))?::(?<data>.*)$/u.exec(line)?.groups ?? {};
  return `${title === '' ? '' : `${title}: `}${data}`
    .replaceAll('%0D', '\r')
    .replaceAll('%0A', '\n')
    .replaceAll('%3A', ':')
    .replaceAll('%2C', ',')
    .replaceAll('%25', '%');
}

function expectOutputs({ outputs, report, summary }: ActionPlayed): void {
  expect(Object.keys(outputs).sort()).toEqual(OUTPUTS.map(({ name }) => name).sort());
  expect(['healthy', 'unhealthy', 'inconclusive']).toContain(outputs.verdict);
  expect(outputs.reason).toMatch(/^\P{Cc}+$/u);
  expect(Buffer.byteLength(summary)).toBeLessThanOrEqual(SUMMARY_LIMIT_BYTES);
  if (report === null) return;
  expect(outputs).toMatchObject({
    verdict: report.verdict,
    reason: report.reason,
    'pods-total': String(report.pods.total),
    'pods-ready': String(report.pods.ready),
    'pods-not-ready': String(report.pods.notReady),
    'calico-auth-failure': String(report.calico.detected),
    'affected-nodes': JSON.stringify(report.calico.nodes.map(({ node }) => node)),
  });
}

/** The token is told to the runner, so that it is masked, and to nobody else. */
function expectNoSecrets({ stdout, stderr, summary, outputs, report }: ActionPlayed): void {
  const told = stdout.split('\n').filter((line) => !line.startsWith('::add-mask::'));
  expect([...told, stderr, summary, JSON.stringify(outputs), JSON.stringify(report)].join('\n')).not.toContain(
    GATE_TOKEN,
  );
}

/** Access reviews change nothing; besides them only pods of Calico are ever deleted, with their uid. */
function expectOnlyAllowedWrites({ requests }: Simulator): void {
  for (const { method, path, body } of requests) {
    if (method === 'GET') continue;
    if (method === 'POST') expect(path).toBe('/apis/authorization.k8s.io/v1/selfsubjectaccessreviews');
    else {
      expect(`${method} ${path}`).toMatch(
        /^DELETE \/api\/v1\/namespaces\/(?:calico-system|kube-system)\/pods\/calico-node-\w+$/u,
      );
      expect(JSON.parse(body ?? '{}')).toMatchObject({ preconditions: { uid: expect.any(String) } });
    }
  }
}

/** `DELETE /api/v1/…` in the order in which they were sent. */
export function deletesOf({ sim }: Served): readonly string[] {
  return sim.requests.filter(({ method }) => method === 'DELETE').map(({ method, path }) => `${method} ${path}`);
}
