import { formatDuration } from '../duration.ts';
import type { GateEvent } from '../events.ts';
import type { Settings } from '../settings.ts';

type Told = Exclude<GateEvent, { type: 'assessed' | 'debug' | 'finished' }>;

/** One event as one sentence: the same words in the log and in the report's timeline. */
export function sentenceOf(event: Told): string {
  switch (event.type) {
    case 'started':
      return `Calico Health Gate ${event.version}: ${aim(event.settings)}`;
    case 'connecting':
      return `connecting to ${event.server} (context ${event.context}, from ${event.source})`;
    case 'connected':
      return `connected to ${event.server}${event.kubernetesVersion === '' ? '' : `, Kubernetes ${event.kubernetesVersion}`}`;
    case 'missing-right':
      return `missing right: ${event.rule}; ${event.costs}`;
    case 'calico-found':
      return `Calico: ${event.installations.map((one) => `DaemonSet ${one.namespace}/${one.daemonSet}`).join(', ')}`;
    case 'calico-absent':
      return 'no Calico in this cluster: nothing to diagnose there';
    case 'view-lost':
      return `${event.wasSeen ? 'lost sight of' : 'cannot see yet:'} ${event.what}: ${event.why}`;
    case 'view-regained':
      return `sees ${event.what} ${event.wasSeen ? 'again' : 'now'}${catchUp(event.catchUpMs)}`;
    case 'outage-over':
      return `the API server was away, and is back${catchUp(event.catchUpMs)}`;
    case 'calico-failure':
      return `node ${event.node}: Calico's CNI token is rejected (401 Unauthorized); stuck: ${shortList(event.pods)}: ${event.message}`;
    case 'planned':
      return `node ${event.node}: ${event.action}: ${event.why}${event.command === null ? '' : `; by hand: ${event.command}`}`;
    case 'restarting':
      return `node ${event.node}: restarting calico-node (deleting pod ${event.pod})`;
    case 'restarted':
      return `node ${event.node}: ${event.answer}`;
    case 'installed':
      return `node ${event.node}: ${event.pod} has run install-cni, ${formatDuration(roundMs(event.afterMs))} after the restart`;
    case 'outcome':
      return `node ${event.node}: ${event.outcome}: ${event.why}`;
    case 'stable-window':
      return stableWindow(event);
    case 'confirming':
      return event.verdict === 'healthy'
        ? 'all stayed ready; confirming with a fresh look at everything'
        : 'making sure with a fresh look at everything';
    case 'waiting':
      return `waiting for ${event.what}`;
    case 'note':
    case 'warning':
      return event.message;
  }
}

function stableWindow({ stableForMs, leftMs, begunAnew }: Extract<Told, { type: 'stable-window' }>): string {
  const [first, ...others] = begunAnew;
  const goesOn = stableForMs - leftMs >= 1_000;
  const rest = goesOn ? `another ${formatDuration(Math.ceil(leftMs / 1_000) * 1_000)}` : formatDuration(stableForMs);
  const more = others.length === 0 ? '' : ` and ${others.length} more`;
  const anew = first === undefined ? '' : `, anew for ${first.name} (${first.because})${more}`;
  return `all is ready; it has to stay so for ${rest}${anew}`;
}

function catchUp(ms: number): string {
  if (ms === 0) return '';
  return `; nothing is decided for ${formatDuration(roundMs(ms))}, while the kubelets report what happened meanwhile`;
}

function shortList(names: readonly string[]): string {
  const first = names.slice(0, 3).join(', ');
  return names.length > 3 ? `${first} and ${names.length - 3} more` : first;
}

function roundMs(ms: number): number {
  return Math.max(0, Math.round(ms / 1000)) * 1000;
}

/** "all pods in namespace shop, for at most 10m, stable for 15s; may restart calico-node on up to 3 nodes". */
function aim(settings: Settings): string {
  const { selectorText, timeoutMs, stableForMs, stuckAfterMs, restartCalicoNode, maxNodeRestarts } = settings;
  const which = selectorText === '' ? 'all pods' : `pods with ${selectorText}`;
  const restarts =
    restartCalicoNode && maxNodeRestarts > 0
      ? `may restart calico-node on up to ${maxNodeRestarts} ${maxNodeRestarts === 1 ? 'node' : 'nodes'}`
      : 'changes nothing';
  const stuck = stuckAfterMs === 0 ? '' : `, stuck after ${formatDuration(stuckAfterMs)}`;
  const times = `for at most ${formatDuration(timeoutMs)}, stable for ${formatDuration(stableForMs)}${stuck}`;
  return `${which} ${scopeOf(settings)}, ${times}; ${restarts}`;
}

function scopeOf({ namespaces, excludeNamespaces }: Settings): string {
  if (namespaces.length === 1) return `in namespace ${namespaces[0]}`;
  if (namespaces.length > 1) return `in namespaces ${shortList(namespaces)}`;
  return excludeNamespaces.length > 0 ? `in all namespaces but ${shortList(excludeNamespaces)}` : 'in all namespaces';
}
