import { EXIT_CODES, INPUT_GROUPS, INPUTS, type InputSpec, type InputType } from '../contract.ts';
import { VERSION } from '../version.ts';
import { PAGE_WIDTH, twoColumns, wrap } from './columns.ts';

/** Where descriptions begin: behind the longest flag with its placeholder. */
const DESCRIPTIONS_AT = 32;

const PLACEHOLDERS: Readonly<Record<InputType, string>> = {
  boolean: '',
  count: 'COUNT',
  duration: 'DURATION',
  name: 'NAME',
  namespace: 'NAMESPACE',
  namespaces: 'NAMES',
  path: 'PATH',
  selector: 'SELECTOR',
  verdicts: 'VERDICTS',
};

const PURPOSE =
  "Waits until what was deployed to a Kubernetes cluster is truly healthy, says in one sentence why it is not, and finds Calico's authorization failure; with --restart-calico-node it heals it, too.";

const SPELLING =
  'A value follows its flag, as --flag VALUE or --flag=VALUE. Flags for namespaces, selector and verdicts may be repeated and add up; of any other flag the last one counts.';

const EXAMPLES = [
  ['After a deploy to two namespaces:', 'calico-health-gate --namespaces shop,web --timeout 5m'],
  [
    "The same, and heal Calico's authorization failure:",
    'calico-health-gate --namespaces shop,web --restart-calico-node',
  ],
  [
    'One application, the report for a script:',
    "calico-health-gate --namespaces shop --selector 'app=shop,!canary' --json > report.json",
  ],
  [
    'A sweep of a living cluster, from cron:',
    'calico-health-gate --stuck-after 5m --timeout 10m --exclude-namespaces sandbox',
  ],
  ['What a cause in the report means:', 'calico-health-gate --explain CalicoUnauthorized'],
] as const;

/** What `--help` prints: made from the table of inputs, at most `PAGE_WIDTH` columns wide. */
export function helpText(): string {
  const sections = [
    `calico-health-gate ${VERSION}`,
    wrap(PURPOSE, PAGE_WIDTH).join('\n'),
    section('Usage', '  calico-health-gate [flags]\n  calico-health-gate --explain [CAUSE]'),
    wrap(SPELLING, PAGE_WIDTH).join('\n'),
    ...INPUT_GROUPS.map((group) => section(group, inputRows(INPUTS.filter((input) => input.group === group)))),
    section('Other', twoColumns(OTHER_ROWS, DESCRIPTIONS_AT)),
    section('Environment', twoColumns(ENVIRONMENT_ROWS, DESCRIPTIONS_AT)),
    section('Exit codes', twoColumns(EXIT_CODE_ROWS, 6)),
    section('Examples', EXAMPLES.map(([title, command]) => `  # ${title}\n  ${command}`).join('\n\n')),
  ];
  return `${sections.join('\n\n')}\n`;
}

function section(title: string, body: string): string {
  return `${title}:\n${body}`;
}

function inputRows(inputs: readonly InputSpec[]): string {
  return twoColumns(
    inputs.map((input) => [flagOf(input), describe(input)]),
    DESCRIPTIONS_AT,
  );
}

function flagOf({ name, type }: InputSpec): string {
  return type === 'boolean' ? `--[no-]${name}` : `--${name} ${PLACEHOLDERS[type]}`;
}

function describe(input: InputSpec): string {
  return input.default === '' ? input.description : `${input.description} [default: ${input.default}]`;
}

const OTHER_ROWS = [
  ['--json', 'Print the report as JSON on stdout, and everything else on stderr'],
  ['--explain [CAUSE]', 'Say what a cause in the report means and what to do about it; without one, list them all'],
  ['--version', 'Print the version'],
  ['-h, --help', 'Print this'],
] as const;

const ENVIRONMENT_ROWS = [
  ['KUBECONFIG', 'Kubeconfig files where --kubeconfig is not given; several are merged'],
  ['HTTPS_PROXY, NO_PROXY', 'Proxy on the way to the API server, and what is reached without it'],
  ['NODE_EXTRA_CA_CERTS', 'File of certificate authorities to trust besides the usual ones'],
  ['RUNNER_DEBUG=1', 'Print debug lines'],
] as const;

const EXIT_CODE_ROWS = [
  [String(EXIT_CODES.healthy), 'healthy, or a verdict that --fail-on does not list'],
  [String(EXIT_CODES.unhealthy), 'unhealthy: positive evidence that something in scope is not ready'],
  [
    String(EXIT_CODES.inconclusive),
    'inconclusive: not enough could be seen to say (no cluster found, no access, API gone, cancelled)',
  ],
  [String(EXIT_CODES.usage), 'usage error: nothing was asked of any cluster'],
] as const;
