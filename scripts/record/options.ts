import { parseArgs } from 'node:util';
import { parseDuration } from '../../src/duration.ts';
import { isNamespaceName } from '../../src/label-syntax.ts';
import { quote } from '../../src/printable.ts';

export const USAGE = `usage: npm run record -- --out FOLDER [options]
  --out FOLDER             where the recording goes; a folder that is not there yet, or an empty one
  --kubeconfig PATH        default: KUBECONFIG, ~/.kube/config, the in-cluster service account
  --context NAME           default: the current context
  --namespaces A,B         only these, and Calico's; default: all
  --calico-namespace NAME  where calico-node is, when it cannot be found
  --watch DURATION         how long to record changes as well, at most 10m; default: 0s
  --pseudonyms             other names for everything that people give names to
  --keep-names             names of registries and other hosts stay`;

export interface RecordOptions {
  readonly out: string;
  readonly kubeconfig: string | null;
  readonly context: string | null;
  readonly namespaces: readonly string[];
  readonly calicoNamespace: string | null;
  readonly watchMs: number;
  readonly pseudonyms: boolean;
  readonly keepHosts: boolean;
}

/** Everything is kept in memory until it is scrubbed. */
const LONGEST_WATCH_MS = 600_000;

export type ParsedOptions =
  | { readonly help: true }
  | { readonly problems: readonly string[] }
  | { readonly options: RecordOptions };

/** Reads the arguments behind the script's name: all problems at once. */
export function parseRecordOptions(argv: readonly string[]): ParsedOptions {
  const parsed = valuesOf(argv);
  if ('problem' in parsed) return { problems: [parsed.problem] };
  const { values } = parsed;
  if (values.help === true) return { help: true };

  const problems: string[] = [];
  const namespaces = (values.namespaces ?? '').split(/[\s,]+/).filter((name) => name !== '');
  const calicoNamespace = values['calico-namespace'] ?? null;
  for (const name of [...namespaces, ...(calicoNamespace === null ? [] : [calicoNamespace])]) {
    if (!isNamespaceName(name)) problems.push(`${quote(name)} is no name of a namespace`);
  }
  const watchMs = parseDuration(values.watch ?? '0s');
  if (watchMs === null || watchMs > LONGEST_WATCH_MS) {
    problems.push(`--watch is ${quote(values.watch ?? '')}; allowed: a duration of at most 10m, such as 90s`);
  }
  if (values.out === undefined || values.out === '') problems.push('--out is missing: the folder for the recording');
  if (problems.length > 0 || watchMs === null || values.out === undefined) return { problems };
  return {
    options: {
      out: values.out,
      kubeconfig: values.kubeconfig || null,
      context: values.context || null,
      namespaces: [...new Set(namespaces)],
      calicoNamespace,
      watchMs,
      pseudonyms: values.pseudonyms === true,
      keepHosts: values['keep-names'] === true,
    },
  };
}

interface Values {
  readonly help?: boolean;
  readonly out?: string;
  readonly kubeconfig?: string;
  readonly context?: string;
  readonly namespaces?: string;
  readonly 'calico-namespace'?: string;
  readonly watch?: string;
  readonly pseudonyms?: boolean;
  readonly 'keep-names'?: boolean;
}

function valuesOf(argv: readonly string[]): { readonly values: Values } | { readonly problem: string } {
  try {
    return parseArgs({
      args: [...argv],
      options: {
        help: { type: 'boolean', short: 'h' },
        out: { type: 'string' },
        kubeconfig: { type: 'string' },
        context: { type: 'string' },
        namespaces: { type: 'string' },
        'calico-namespace': { type: 'string' },
        watch: { type: 'string' },
        pseudonyms: { type: 'boolean' },
        'keep-names': { type: 'boolean' },
      },
    });
  } catch (error) {
    return { problem: (error as Error).message };
  }
}
