import type { Event } from '../objects/event.ts';
import type { Container, Pod } from '../objects/pod.ts';
import type { Cause } from './assessment.ts';
import { containerName, isWaitingFor, NO_CONTAINERS } from './container.ts';
import { newestEvent } from './pod-events.ts';
import type { PodFacts } from './pod-state.ts';
import { type Symptom, withDetail } from './symptom.ts';

/** The kubelet alternates these two while a pull fails (pkg/kubelet/images/types.go). */
const PULL_REASONS: readonly string[] = ['ErrImagePull', 'ImagePullBackOff'];

/** Back-off with its cause behind it; kubelets before 1.31 wrote no cause. */
const BACK_OFF = /^Back-off pulling image "[^"]*"(?:: ErrImagePull)?(?:: )?/;

/** The runtime could not look at an image that it may have: transient more often than not. */
const IMAGE_INSPECT_MS = 2 * 60_000;

/**
 * Words of runtimes and registries, tried in this order: whoever cannot reach the registry's login server reports a
 * failed authorization too, and a registry that hides private repositories says "does not exist" next to "denied".
 */
const PULL_WORDS: readonly { readonly cause: Cause; readonly words: RegExp }[] = [
  {
    cause: 'RegistryUnavailable',
    words:
      /dial (?:tcp|udp)|lookup |no such host|i\/o timeout|deadline exceeded|\btimeout\b|timed out|\bEOF\b|connection (?:refused|reset)|no route to host|network is unreachable|x509|\btls: |server gave HTTP response|too ?many ?requests|\b429\b|\b50[0-9]\b|(?:Internal Server Error|Bad Gateway|Service Unavailable|Gateway Timeout)|pull QPS exceeded|proxyconnect/i,
  },
  {
    cause: 'ImageUnauthorized',
    words:
      /unauthorized|\bdenied\b|no basic auth|authentication required|authorization (?:failed|token has expired)|failed to authorize|insufficient_scope|forbidden|\b40[13]\b/i,
  },
  {
    cause: 'ImageNotFound',
    words: /not found|manifest unknown|no match(?:ing)? (?:for platform|manifest)|name unknown|\b404\b/i,
  },
  { cause: 'InvalidImage', words: /invalid reference format|parse image name/i },
];

/**
 * What the text of a failed pull says. References and URLs are left out first: a tenant chooses them, and an image may
 * well be called `denied/not-found`.
 */
export function classifyPull(text: string): Cause {
  const words = text
    .replaceAll(/"[^"]*"/g, '""')
    .replaceAll(/\S*[^\s/]\/[^\s/]\S*/g, (token) => (token.startsWith('i/o') ? token : '…'));
  return PULL_WORDS.find((entry) => entry.words.test(words))?.cause ?? 'ImageError';
}

/**
 * Of each container whose pull fails, the newest cause that was told: by its own status, else by what was remembered
 * (a back-off of an older kubelet has no cause), else by an event.
 */
export function pullErrorsOf(
  pod: Pod,
  previous: PodFacts['pullErrors'],
  events: readonly Event[],
): PodFacts['pullErrors'] {
  let found: Map<string, { readonly cause: Cause; readonly text: string }> | null = null;
  for (const container of pod.containers) {
    if (container.state.kind !== 'waiting' || !PULL_REASONS.includes(container.state.reason)) continue;
    const own = container.state.message.replace(BACK_OFF, '');
    const known = previous.get(container.name);
    const text = own === '' && known === undefined ? textOfEvent(container, events) : own;
    const error = text === '' ? known : { cause: classifyPull(text), text };
    if (error === undefined) continue;
    found ??= new Map();
    found.set(container.name, error);
  }
  return found ?? NO_CONTAINERS;
}

function textOfEvent(container: Container, events: readonly Event[]): string {
  const start = `Failed to pull image "${container.image}": `;
  const event = newestEvent(events, ['Failed'], ({ message }) => message.startsWith(start));
  return event === null ? '' : event.message.slice(start.length);
}

/** What keeps a container from getting its image; null when nothing does. */
export function imageSymptom(pod: Pod, pullErrors: PodFacts['pullErrors'], events: readonly Event[]): Symptom | null {
  for (const container of pod.containers) {
    const symptom = symptomOf(container, pullErrors);
    if (symptom !== null) return symptom.cause === 'ImageUnauthorized' ? withPullSecrets(symptom, events) : symptom;
  }
  return null;
}

/** The kubelet names the pull secrets that it does not find, and pulls without them. */
function withPullSecrets(symptom: Symptom, events: readonly Event[]): Symptom {
  const missing = newestEvent(events, ['FailedToRetrieveImagePullSecret']);
  return missing === null ? symptom : { ...symptom, message: `${symptom.message}; ${missing.message}` };
}

function symptomOf(container: Container, pullErrors: PodFacts['pullErrors']): Symptom | null {
  if (container.state.kind !== 'waiting') return null;
  const { reason, message } = container.state;
  if (isWaitingFor(container, PULL_REASONS)) {
    const error = pullErrors.get(container.name);
    const text = error === undefined ? withDetail(reason, message) : error.text;
    return {
      stage: 'image',
      cause: error?.cause ?? 'ImageError',
      message: withDetail(`${containerName(container)}: image ${container.image}`, text),
    };
  }
  const told = withDetail(`${containerName(container)}: ${reason}`, message);
  switch (reason) {
    case 'InvalidImageName':
      return { stage: 'image', cause: 'InvalidImage', message: told };
    case 'ErrImageNeverPull':
      // Nothing but another deploy brings the image there, so the 30 s of a registry that lags behind are not due.
      return { stage: 'image', cause: 'ImageNotFound', message: told, patienceMs: 0 };
    case 'SignatureValidationFailed':
      return { stage: 'image', cause: 'ImageError', message: told, patienceMs: 0 };
    case 'RegistryUnavailable':
      return { stage: 'image', cause: 'RegistryUnavailable', message: told };
    case 'ImageInspectError':
      return { stage: 'image', cause: 'ImageError', message: told, patienceMs: IMAGE_INSPECT_MS };
    default:
      return null;
  }
}
