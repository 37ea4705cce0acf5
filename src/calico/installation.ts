import { isTerminating, type Pod } from '../objects/pod.ts';
import type { DaemonSet } from '../objects/workload.ts';
import type { CalicoNodePod, Installation, Installations } from './case.ts';

/** tigera/operator `pkg/render/windows.go`; its containers are named `felix` and `node`. */
const WINDOWS_NAME = 'calico-node-windows';
const CONTAINER = 'calico-node';
export const INSTALL_CNI = 'install-cni';

/** Names under which manifests, operator and charts install calico-node: bearing one without the shape is worth a word. */
const KNOWN_NAMES: ReadonlySet<string> = new Set(['calico-node', WINDOWS_NAME, 'canal', 'rke2-canal']);

/**
 * Host folders of the CNI configuration: `/etc/cni/net.d` and its relatives (`/etc/kubernetes/cni/net.d`,
 * `/var/run/multus/cni/net.d` …), MicroK8s' `cni-network`, Windows' `cni\config` and AKS' `azurecni\netconf`. Not the
 * folders of binaries and logs, which others mount too.
 */
const CNI_CONF_FOLDER =
  /(?:^|[\\/])(?:cni[\\/]net\.d|etc[\\/]cni|cni-network|cni[\\/]conf(?:ig)?|azurecni[\\/]netconf)[\\/]*$/i;

/**
 * Calico's DaemonSets among `daemonSets`. What makes one is what owns a node anyway (calico.yaml, canal.yaml and
 * tigera/operator `pkg/render/node.go`): a container `calico-node` or the name `calico-node-windows`, the init container
 * `install-cni`, the host's network (Windows: HostProcess) and a mount of the host's CNI conf folder. On the host's network
 * without `install-cni` it is policy-only. Names and labels alone prove nothing.
 */
export function findInstallations(daemonSets: readonly DaemonSet[], preferredNamespace: string | null): Installations {
  const found: Installation[] = [];
  const lookAlikes: { daemonSet: DaemonSet; lacks: string }[] = [];
  for (const daemonSet of daemonSets) {
    const { template, name } = daemonSet;
    const named = template.containers.includes(CONTAINER) || name === WINDOWS_NAME;
    if (!named) {
      if (KNOWN_NAMES.has(name)) lookAlikes.push({ daemonSet, lacks: `a container named ${CONTAINER}` });
    } else if (!template.hostNetwork && !template.hostProcess) {
      lookAlikes.push({ daemonSet, lacks: "the host's network" });
    } else if (!template.initContainers.includes(INSTALL_CNI)) {
      found.push({ daemonSet, kind: 'policy-only' });
    } else if (!template.hostPaths.some((path) => CNI_CONF_FOLDER.test(path))) {
      lookAlikes.push({ daemonSet, lacks: "a mount of the host's CNI conf folder" });
    } else {
      found.push({ daemonSet, kind: 'full' });
    }
  }
  return { found, lookAlikes, preferredNamespace };
}

/**
 * Whether `pod` was made by `daemonSet`: its controller reference has that uid, in the same namespace, and it is on the
 * host's network as its template says. Anybody may write a DaemonSet and that reference; Pod Security looks at pods only.
 */
export function isPodOf(pod: Pod, daemonSet: DaemonSet): boolean {
  return (
    pod.controller?.kind === 'DaemonSet' &&
    pod.controller.uid === daemonSet.uid &&
    pod.namespace === daemonSet.namespace &&
    pod.hostNetwork
  );
}

/** Where manifests and operator put Calico: tells a real one from a copy in somebody's namespace. */
const USUAL_NAMESPACES: ReadonlySet<string> = new Set(['calico-system', 'kube-system']);

/**
 * The calico-node pod of `node` among `pods`. Where the pods of two full installations are there (a migration from the
 * manifest to the operator leaves both): the one in the preferred namespace, else the one in calico-system or kube-system if exactly one is.
 */
export function calicoNodePodOn(node: string, installations: Installations, pods: readonly Pod[]): CalicoNodePod {
  const there = installations.found.flatMap((installation) => {
    const pod = newestOf(pods.filter((each) => each.nodeName === node && isPodOf(each, installation.daemonSet)));
    return pod === null ? [] : [{ installation, pod }];
  });
  const full = there.filter(({ installation }) => installation.kind === 'full');
  const one = full.length > 1 ? chosenOf(full, installations.preferredNamespace) : full[0];
  if (one !== undefined) return { kind: 'one', ...one };
  if (full.length > 1) return { kind: 'ambiguous', pods: full.map(({ pod }) => pod) };
  const policyOnly = there[0];
  return policyOnly === undefined ? { kind: 'none' } : { kind: 'policy-only', ...policyOnly };
}

interface InstalledPod {
  readonly installation: Installation;
  readonly pod: Pod;
}

function chosenOf(candidates: readonly InstalledPod[], preferredNamespace: string | null): InstalledPod | undefined {
  const chosen = chosenInstallation(
    candidates.map(({ installation }) => installation),
    preferredNamespace,
  );
  return candidates.find(({ installation }) => installation === chosen);
}

/** Which of several full installations gives pods their network; undefined: nothing tells. */
export function chosenInstallation(
  candidates: readonly Installation[],
  preferredNamespace: string | null,
): Installation | undefined {
  const preferred = candidates.filter(({ daemonSet }) => daemonSet.namespace === preferredNamespace);
  if (preferred.length === 1) return preferred[0];
  const usual = candidates.filter(({ daemonSet }) => USUAL_NAMESPACES.has(daemonSet.namespace));
  return usual.length === 1 ? usual[0] : undefined;
}

/** One that stays before one that is leaving, then the newest: for a moment a node can have the old and the new one. */
function newestOf(pods: readonly Pod[]): Pod | null {
  let best: Pod | null = null;
  for (const pod of pods) {
    if (best === null || Number(isTerminating(pod)) - Number(isTerminating(best)) < 0) best = pod;
    else if (isTerminating(pod) === isTerminating(best) && pod.createdAtMs > best.createdAtMs) best = pod;
  }
  return best;
}
