import type { SandboxCause } from '../health/assessment.ts';
import { causeOfLookAlike } from './look-alikes.ts';
import { restorePastedText } from './pasted-text.ts';
import {
  GETTING_CLUSTER_INFORMATION,
  GETTING_NAMESPACE_OR_ADDRESS,
  REQUESTING_ADDRESSES,
  UNAUTHORIZED,
} from './wordings.ts';
import { type Unwrapped, unwrap, type Verb } from './wrapper.ts';

/** What the text of a sandbox event says. */
export interface SandboxText {
  /** `CalicoUnauthorized` is Calico's authorization failure, and nothing else is. */
  readonly cause: Exclude<SandboxCause, 'SandboxSilent'>;
  /** Whether making (`add`) or removing (`delete`) the pod's network failed; null where the text is about neither. */
  readonly verb: Verb | null;
  /** Type of the CNI plugin that reports the error, where the text names it; behind Multus that of its delegate. */
  readonly plugin: string | null;
  /** The uid of the pod that a `FailedKillPod` text names; null in all others. */
  readonly killedUid: string | null;
  /** The first error behind the runtime's wrapper, on one line. Untrusted. */
  readonly innerError: string;
}

/** The reasons of the events that tell of a pod's sandbox, and what was being done to its network. */
const VERBS: ReadonlyMap<string, Verb> = new Map([
  ['FailedCreatePodSandBox', 'add'],
  ['FailedKillPod', 'delete'],
]);

/**
 * Reads the `text` of an event with this `reason`. Only `FailedCreatePodSandBox` and `FailedKillPod` are read; the text
 * of any other reason is a `SandboxError` and never Calico's failure.
 *
 * The failure is recognised by its whole text: from the first character on fixed words of kubelet, runtime and Multus
 * (`wrapper.ts`), behind them, as first error and up to its end, one of Calico's fixed wordings for a 401. Nothing is
 * searched for, so a copy of these words which a real plugin echoes from an annotation or a name is no failure.
 * Takes time linear in the length of `text`, of which at most `MAX_READ_CHARACTERS` are read. Never throws.
 */
export function readSandboxText(text: string, reason: string): SandboxText {
  const restored = restorePastedText(text);
  const verb = VERBS.get(reason);
  if (verb === undefined)
    return { cause: 'SandboxError', verb: null, plugin: null, killedUid: null, innerError: restored };
  const unwrapped = unwrap(restored, verb);
  return {
    cause: isCalicoUnauthorized(unwrapped) ? 'CalicoUnauthorized' : causeOfLookAlike(unwrapped),
    verb: unwrapped.verb,
    plugin: unwrapped.plugin,
    killedUid: unwrapped.killedUid,
    innerError: unwrapped.error,
  };
}

/**
 * libcalico-go writes `connection is unauthorized` for 401 and 403 alike (`lib/errors/errors.go`, mapped in
 * `lib/backend/k8s/resources/errors.go`); only the tail tells them apart. Errors about the workload endpoint are passed
 * on with nothing in front. No other plugin is known to print these words.
 */
const CONNECTION_UNAUTHORIZED = new RegExp(
  `^(?:${GETTING_CLUSTER_INFORMATION}|(?:${GETTING_NAMESPACE_OR_ADDRESS}|${REQUESTING_ADDRESSES}){0,4})` +
    `connection is unauthorized: ${UNAUTHORIZED}$`,
);
/** client-go's own error, where Calico reads the namespace without libcalico-go. */
const READING_NAMESPACE_UNAUTHORIZED = new RegExp(`^(?:${GETTING_NAMESPACE_OR_ADDRESS}){1,4}${UNAUTHORIZED}$`);
const BARE_UNAUTHORIZED = new RegExp(`^${UNAUTHORIZED}$`);

/** How Calico's network is called by its own manifests, the operator, Canal (the first) and RKE (the second). */
const CALICO_NETWORKS: ReadonlySet<string> = new Set(['k8s-pod-network', 'rke-pod-network']);

function isCalicoUnauthorized({ anchored, plugin, network, error }: Unwrapped): boolean {
  if (!anchored || (plugin !== null && plugin !== 'calico')) return false;
  if (CONNECTION_UNAUTHORIZED.test(error) || READING_NAMESPACE_UNAUTHORIZED.test(error)) return true;
  // The bare word is any plugin's. Libcni must say that it is Calico's, or Multus by the name of the network.
  return BARE_UNAUTHORIZED.test(error) && (plugin === 'calico' || (network !== null && CALICO_NETWORKS.has(network)));
}
