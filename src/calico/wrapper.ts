/**
 * What kubelet, runtime and Multus put around the first error of a sandbox. The error is found by taking off their fixed
 * words one after the other from the first character on. Nothing is ever searched for: text that a tenant chooses is
 * echoed by real plugins into real events, and a copy of these words somewhere inside an error is only a copy.
 *
 * Every place in these words where a value stands takes only the letters that the value can have, never a space or a
 * quote. So a value that somebody chose cannot hold the end of the words it stands in. Which values those are:
 * - names of pods and namespaces: the API server takes only DNS names; uid, sandbox id: made by API server and runtime;
 * - the network's name of CRI-O and the plugin's type and name: from the node's own CNI conf. Behind Multus from a
 *   NetworkAttachmentDefinition, which tenants may write: see `takeMultus`.
 */
import { CUT, withoutOneEscape } from './pasted-text.ts';

export type Verb = 'add' | 'delete';

export interface Unwrapped {
  /** The first error, on one line, without what the runtime put behind it. Untrusted. */
  readonly error: string;
  readonly verb: Verb | null;
  /** Type of the plugin that reports the error, where the text names it; behind Multus that of its delegate. */
  readonly plugin: string | null;
  /** Behind Multus: the delegate's network; else null. */
  readonly network: string | null;
  /** The uid that a `FailedKillPod` text names. */
  readonly killedUid: string | null;
  /** `network`: setting up or tearing down the pod's network failed; `runtime`: something else; `bare`: no known words. */
  readonly layer: 'network' | 'runtime' | 'bare';
  /** All words around the error are known, fit together, and say that it is the first one. */
  readonly anchored: boolean;
}

/** The letters of a DNS name, and dots for the `...` that people leave in place of a name. */
const NAME = '[A-Za-z0-9][A-Za-z0-9.-]{0,252}';
const UID = '[A-Za-z0-9-]{1,64}';
/** As the API server made it, whatever its form. */
const QUOTED_UID = '[^"\\\\\\s]{1,128}';
/** 64 hex digits; short in what people paste (`9c9c058905188`, `c7f.....`, `...`). */
const SANDBOX = '[A-Za-z0-9.…]{1,64}';
/** `<pod>_<namespace>`, or less in what people paste. */
const POD_REF = '[A-Za-z0-9._-]{1,320}';
/** The CNI specification's letters for a network's name; plugin types are file names. */
const NETWORK = '[A-Za-z0-9][A-Za-z0-9_.-]{0,252}';
const CRIO_SANDBOX = `k8s_[A-Za-z0-9._-]{1,700}\\(${SANDBOX}\\)`;

/** A text that is taken off piece by piece. */
interface Cursor {
  rest: string;
}

function take(cursor: Cursor, words: RegExp): RegExpExecArray | null {
  const match = words.exec(cursor.rest);
  if (match !== null) cursor.rest = cursor.rest.slice(match[0].length);
  return match;
}

/**
 * The first error in the text of a sandbox event (`restorePastedText` goes first). `verb` is what the event's reason
 * is about: words of the other verb are no wrapper of it.
 */
export function unwrap(text: string, verb: Verb): Unwrapped {
  const cursor: Cursor = { rest: text };
  take(cursor, AGGREGATED);
  const head = verb === 'add' ? takeAddHead(cursor) : takeDeleteHead(cursor);
  const rpc = take(cursor, RPC) !== null;
  const runtime = takeRuntime(cursor, verb);
  const first = takePlugin(cursor);
  const multus = first === null || MULTUS_TYPES.has(first.type) ? takeMultus(cursor) : NO_MULTUS;
  const delegate = multus.network === null ? null : takePlugin(cursor);
  const network = runtime !== null || head.elided;
  return {
    error: withoutEnds(cursor.rest, runtime === 'list', multus.thick),
    verb: network ? verb : (first?.verb ?? null),
    plugin: multus.network === null ? (first?.type ?? null) : (delegate?.type ?? null),
    network: multus.network,
    killedUid: head.killedUid,
    layer: layerOf(network || first !== null || multus.network !== null, head.known || rpc),
    anchored:
      network &&
      runtime !== 'short' &&
      (first?.verb ?? verb) === verb &&
      (delegate?.verb ?? verb) === verb &&
      (multus.network === null || (verb === 'add' && first !== null && multus.genuine)),
  };
}

function layerOf(network: boolean, known: boolean): Unwrapped['layer'] {
  if (network) return 'network';
  return known ? 'runtime' : 'bare';
}

interface Head {
  readonly known: boolean;
  /** The runtime's words were left out by who pasted the text. */
  readonly elided: boolean;
  readonly killedUid: string | null;
}

/** client-go's recorder, for ten similar events within ten minutes (`tools/record/events_cache.go`). */
const AGGREGATED = /^\(combined from similar events\): /;

/** Whether the event stands for several with different texts: the text is that of the last one, the first time is not. */
export function isAggregated(text: string): boolean {
  return AGGREGATED.test(text);
}

const RPC = /^rpc error: code = [A-Za-z]{1,30} desc = /;

/** The kubelet's event (`kuberuntime_manager.go`; up to 1.15 without "to"), the event's reason, or the kubelet's log. */
const ADD_HEAD = new RegExp(
  `^(?:Failed (?:to )?create pod sandbox: |FailedCreatePodSandBox: |Failed to create sandbox for pod "${POD_REF}\\(${UID}\\)": )`,
);

function takeAddHead(cursor: Cursor): Head {
  return { known: take(cursor, ADD_HEAD) !== null, elided: false, killedUid: null };
}

/**
 * The kubelet's event. Its inner text is one Go-quoted string (`%q`, `pkg/kubelet/container/sync_result.go`), so a quote
 * from within has a backslash, and taking off exactly one level gives back what the runtime said. Several results are
 * written `[failed to "KillContainer" …, failed to …]`: then another error came first, and these words do not fit.
 */
const KILL_HEAD = new RegExp(
  `^error killing pod: failed to "KillPodSandbox" for "(${QUOTED_UID})" with KillPodSandboxError: "`,
);
const ELIDED_KILL_HEAD = /^error killing pod: failed to "KillPodSandbox" (?:\.\.\.|…) /;
/** The kubelet's and containerd's logs, quoted in the same way. */
const QUOTED_LOG_HEAD = new RegExp(
  `^(?:"StopPodSandbox from runtime service failed" err="|StopPodSandbox for "${SANDBOX}" failed" error=")`,
);
/** crictl. */
const STOPPING_HEAD = new RegExp(`^stopping the pod sandbox "${SANDBOX}"(?: failed)?: `);

function takeDeleteHead(cursor: Cursor): Head {
  const kill = take(cursor, KILL_HEAD);
  if (kill !== null || take(cursor, QUOTED_LOG_HEAD) !== null) {
    cursor.rest = withoutOneEscape(cursor.rest.replace(/"$/, '')).trimEnd();
    return { known: true, elided: false, killedUid: kill?.[1] ?? null };
  }
  const elided = take(cursor, ELIDED_KILL_HEAD) !== null;
  return { known: elided || take(cursor, STOPPING_HEAD) !== null, elided, killedUid: null };
}

/**
 * containerd (`internal/cri/server/sandbox_run.go`, `sandbox_stop.go`), and CRI-O (`server/sandbox_network*.go` around
 * ocicni's `ocicni.go`). Nothing follows the error.
 */
const NETWORK_WORDS: Readonly<Record<Verb, RegExp>> = {
  add: new RegExp(
    `^(?:failed to setup network for sandbox "${SANDBOX}": ` +
      `|failed to create pod network sandbox ${CRIO_SANDBOX}: error adding pod ${POD_REF} to CNI network (?:"${NETWORK}"|\\.\\.\\.): )`,
  ),
  delete: new RegExp(
    `^(?:failed to destroy network for sandbox "${SANDBOX}": ` +
      `|failed to destroy network for pod sandbox ${CRIO_SANDBOX}: error removing pod ${POD_REF} from CNI network "${NETWORK}": )`,
  ),
};

/**
 * dockershim and cri-dockerd (`docker_sandbox.go` around `network/plugins.go`). When cleaning up fails as well, the two
 * errors are written `[first, second]`: the first one decides.
 */
const DOCKER_WORDS: Readonly<Record<Verb, RegExp>> = {
  add: new RegExp(
    `^(?:\\[?failed to set up sandbox container "${SANDBOX}" network for pod "${POD_REF}": )?` +
      `[nN]etworkPlugin cni failed to set up pod "${POD_REF}" network: `,
  ),
  delete: new RegExp(`^[nN]etworkPlugin cni failed to teardown pod "${POD_REF}" network: `),
};
const DOCKER_SECOND_ERROR = ', failed to clean up sandbox container "';

/** Old CRI-O, before ocicni had words of its own; the rule for the proof does not know it. */
const SHORT_WORDS = new RegExp(`^failed to create pod network sandbox ${CRIO_SANDBOX}: `);

/** `list`: another error may follow the first one. `short`: see `SHORT_WORDS`. */
function takeRuntime(cursor: Cursor, verb: Verb): 'plain' | 'list' | 'short' | null {
  if (take(cursor, NETWORK_WORDS[verb]) !== null) return 'plain';
  if (take(cursor, DOCKER_WORDS[verb]) !== null) return verb === 'add' ? 'list' : 'plain';
  return verb === 'add' && take(cursor, SHORT_WORDS) !== null ? 'short' : null;
}

/**
 * libcni since 1.0 (`libcni/api.go`, `pluginDescription`): type and name are written with `%q`, so a quote inside has a
 * backslash and does not fit. Windows logs have two spaces before the name.
 */
const PLUGIN = new RegExp(`^plugin type="(${NETWORK})"(?: {1,2}name="${NETWORK}")? failed \\((add|delete)\\): `);

function takePlugin(cursor: Cursor): { readonly type: string; readonly verb: Verb } | null {
  const match = take(cursor, PLUGIN);
  return match === null ? null : { type: match[1] ?? '', verb: match[2] === 'add' ? 'add' : 'delete' };
}

const MULTUS_TYPES: ReadonlySet<string> = new Set(['multus', 'multus-shim']);

/**
 * The thick plugin: its client's words (`pkg/server/api`), then those of its daemon (`pkg/server/server.go`): the CNI
 * arguments, in some versions before that once more with the configuration as numbers. The arguments hold names, ids and
 * paths, the numbers only digits.
 */
const THICK_WORDS = new RegExp(
  "^CmdAdd \\(shim\\): CNI request failed with status [0-9]{3}: '" +
    '(?:&\\{[A-Za-z0-9 :;=/._\\-[\\]]*\\} )?' +
    '(?:(?:[A-Za-z]{1,30}:"[A-Za-z0-9:;=/._-]*" )*|(?:\\.\\.\\.|…) )' +
    `ERRORED: error configuring pod \\[${NAME}/${NAME}\\] networking: `,
);
const MULTUS_NETWORK_WORDS = 'error adding container to network ';
const DELEGATE_WORDS = new RegExp(
  `^\\[${NAME}/${NAME}(?:/(?:${UID})?)?:(${NETWORK})\\]: ${MULTUS_NETWORK_WORDS}"\\1": `,
);

interface Multus {
  /** The name of the delegate's network; null where these are not Multus' words about a delegate. */
  readonly network: string | null;
  readonly thick: boolean;
  readonly genuine: boolean;
}
const NO_MULTUS: Multus = { network: null, thick: false, genuine: false };

/**
 * Multus (`pkg/multus/multus.go`, `cmdPluginErr`). It writes the name of the delegate's network as it is, without
 * escaping, and uses it before anybody has checked it; who may write a NetworkAttachmentDefinition can put a whole
 * error with its end into that name. But then Multus' own words follow the name, so they stand in the text once more
 * (even format verbs in the name cannot remove them): such a text is not genuine, nor is one that was cut before they
 * could be seen.
 */
function takeMultus(cursor: Cursor): Multus {
  const thick = take(cursor, THICK_WORDS) !== null;
  const match = take(cursor, DELEGATE_WORDS);
  const genuine = !cursor.rest.includes(MULTUS_NETWORK_WORDS) && !cursor.rest.endsWith(CUT);
  return { thick, network: match?.[1] ?? null, genuine };
}

/**
 * The error without what comes behind it: the second error of dockershim, then the end of the thick plugin's answer (a
 * line break and a quote, and from newer clients the configuration).
 */
function withoutEnds(text: string, list: boolean, thick: boolean): string {
  const first = list ? before(text, DOCKER_SECOND_ERROR) : text;
  return thick ? before(first, "': StdinData: ").replace(/'$/, '').trimEnd() : first;
}

function before(text: string, end: string): string {
  const at = text.indexOf(end);
  return at < 0 ? text : text.slice(0, at);
}
