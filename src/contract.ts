/**
 * The names that workflows and scripts rely on, as data: `action.yml`, the command line's help, the parser of the
 * settings and the tables of the README are all made from, or compared with, this file.
 */

export type Verdict = 'healthy' | 'unhealthy' | 'inconclusive';

/** What kind of text an input takes; `settings.ts` has a parser for each. */
export type InputType =
  | 'boolean'
  | 'count'
  | 'duration'
  | 'name'
  | 'namespace'
  | 'namespaces'
  | 'path'
  | 'selector'
  | 'verdicts';

/** The headings of the command line's help, in its order. */
export const INPUT_GROUPS = ['Cluster', 'What is judged', 'Time', 'Calico', 'Result'] as const;

export interface InputSpec {
  readonly name: string;
  readonly type: InputType;
  /** As written in a workflow; empty where the meaning of "not set" stands in `description`. */
  readonly default: string;
  readonly description: string;
  /** What messages about a bad value say is allowed. */
  readonly allowed: string;
  readonly group: (typeof INPUT_GROUPS)[number];
}

const BOOLEAN = 'true or false';
const DURATION = 'a duration of at most 168h such as 90s, 10m, 1h30m or 500ms (a bare number is seconds)';
const COUNT = 'a whole number, 0 or more';
const NAMESPACE = 'a namespace: lower case letters, digits and hyphens, at most 63 characters';
const NAMESPACES = `a list with commas, spaces or line breaks; each entry ${NAMESPACE}`;

export const INPUTS = [
  {
    name: 'kubeconfig',
    type: 'path',
    default: '',
    description:
      'Path of a kubeconfig file. Empty: the files in KUBECONFIG, then ~/.kube/config, then the service account of the pod that this runs in',
    allowed: 'the path of a file that can be read',
    group: 'Cluster',
  },
  {
    name: 'context',
    type: 'name',
    default: '',
    description: 'Context of the kubeconfig to use. Empty: its current context',
    allowed: 'the name of a context, on one line',
    group: 'Cluster',
  },
  {
    name: 'namespaces',
    type: 'namespaces',
    default: '',
    description:
      'Namespaces to judge, separated by commas, spaces or line breaks. Empty: all of them, the system ones too',
    allowed: NAMESPACES,
    group: 'What is judged',
  },
  {
    name: 'exclude-namespaces',
    type: 'namespaces',
    default: '',
    description: 'Namespaces to leave out when all are judged; not together with namespaces',
    allowed: NAMESPACES,
    group: 'What is judged',
  },
  {
    name: 'selector',
    type: 'selector',
    default: '',
    description:
      'Label selector of the pods to judge, such as "app=shop,tier in (web,api)". Workloads follow their pods. Empty: every pod',
    allowed: 'a label selector such as "app=shop,tier!=test", "env in (dev,prod)", "canary" or "!canary"',
    group: 'What is judged',
  },
  {
    name: 'min-pods',
    type: 'count',
    default: '1',
    description:
      'Fewer pods in scope than this is unhealthy, so that a mistyped selector does not pass; 0 allows none at all',
    allowed: COUNT,
    group: 'What is judged',
  },
  {
    name: 'timeout',
    type: 'duration',
    default: '10m',
    description: 'Longest time until there is a verdict, such as 90s, 10m or 1h30m; a bare number is seconds',
    allowed: `longer than 0s: ${DURATION}`,
    group: 'Time',
  },
  {
    name: 'stable-for',
    type: 'duration',
    default: '15s',
    description:
      'How long every workload must have stayed complete before the verdict is healthy; 0s: the first complete look decides',
    allowed: `shorter than timeout: ${DURATION}`,
    group: 'Time',
  },
  {
    name: 'stuck-after',
    type: 'duration',
    default: '0s',
    description:
      'A pod that has been not ready for less than this is starting and does not count. 0s after a deploy, 5m for a scheduled sweep',
    allowed: DURATION,
    group: 'Time',
  },
  {
    name: 'fail-fast',
    type: 'boolean',
    default: 'true',
    description: 'Stop as soon as a failure is certain not to heal by waiting, instead of using up timeout',
    allowed: BOOLEAN,
    group: 'Time',
  },
  {
    name: 'restart-calico-node',
    type: 'boolean',
    default: 'false',
    description:
      "Delete the calico-node pod of each node that has Calico's authorization failure, one node at a time. false: only the plan is reported",
    allowed: BOOLEAN,
    group: 'Calico',
  },
  {
    name: 'max-node-restarts',
    type: 'count',
    default: '3',
    description: 'Most nodes to restart calico-node on in one run',
    allowed: COUNT,
    group: 'Calico',
  },
  {
    name: 'restart-timeout',
    type: 'duration',
    default: '3m',
    description:
      'Longest time for a restarted node to prove that its pods get a network again; at least 45s makes sense',
    allowed: DURATION,
    group: 'Calico',
  },
  {
    name: 'calico-namespace',
    type: 'namespace',
    default: '',
    description:
      'Namespace of calico-node, for credentials that may not list DaemonSets in all namespaces. Empty: it is found',
    allowed: NAMESPACE,
    group: 'Calico',
  },
  {
    name: 'fail-on',
    type: 'verdicts',
    default: 'unhealthy, inconclusive',
    description: 'Verdicts that make it fail: unhealthy, inconclusive or both; none: it only reports',
    allowed: 'unhealthy, inconclusive or both, separated by commas, spaces or line breaks; or none alone',
    group: 'Result',
  },
  {
    name: 'report-file',
    type: 'path',
    default: '',
    description:
      'File to write the JSON report to. Empty: calico-health-gate.json in RUNNER_TEMP in the action, none on the command line',
    allowed: 'a path on one line',
    group: 'Result',
  },
  {
    name: 'job-summary',
    type: 'boolean',
    default: 'true',
    description: 'Write the job summary, where the runner offers one',
    allowed: BOOLEAN,
    group: 'Result',
  },
] as const satisfies readonly InputSpec[];

export type InputName = (typeof INPUTS)[number]['name'];

/** The order of the contract; every one is set on every path, also on bad input and cancellation. */
export const OUTPUTS = [
  { name: 'verdict', description: 'healthy, unhealthy or inconclusive' },
  { name: 'reason', description: 'One sentence: the worst cause and what to do next' },
  { name: 'pods-total', description: 'Number of pods in scope' },
  { name: 'pods-ready', description: 'Number of pods in scope that are ready' },
  { name: 'pods-not-ready', description: 'Number of pods in scope that should be ready and are not' },
  { name: 'not-ready-pods', description: 'JSON array of "namespace/name", worst first, at most 50' },
  {
    name: 'calico-auth-failure',
    description: "true if Calico's authorization failure was found at any time in the run, also when it was cured",
  },
  { name: 'affected-nodes', description: 'JSON array of the names of the nodes where it was found' },
  {
    name: 'restarted-nodes',
    description: 'JSON array of the names of the nodes whose calico-node pod this run deleted',
  },
  { name: 'report-file', description: 'Path of the JSON report, empty if none was written' },
] as const satisfies readonly { readonly name: string; readonly description: string }[];

export type OutputName = (typeof OUTPUTS)[number]['name'];

/** Exit codes of the command line. The action knows 0 and 1 only: a runner never looks at which code it was. */
export const EXIT_CODES = { healthy: 0, unhealthy: 1, inconclusive: 2, usage: 64 } as const;
