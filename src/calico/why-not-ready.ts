import type { Observation } from '../health/assessment.ts';
import {
  containerName,
  describeEnd,
  isAbnormal,
  isWaitingFor,
  isWaitingItsTurn,
  newestEnd,
} from '../health/container.ts';
import { whyNodeIsLost } from '../health/lost-node.ts';
import type { Container, Pod } from '../objects/pod.ts';

/**
 * What keeps a calico-node pod from being Ready, as a clause for people; '' when nothing says so. It stays the same while
 * a container that crashes goes from one state to the next. Untrusted text.
 */
export function whyNotReady(pod: Pod, { snapshot: { nodes } }: Observation): string {
  const node = nodes?.find(({ name }) => name === pod.nodeName) ?? null;
  const lost = whyNodeIsLost(pod, node, nodes !== null);
  if (lost !== null) return lost;
  const container = pod.containers.find(isInTheWay);
  return container === undefined ? '' : `${containerName(container)} ${whatIsWrongWith(container)}`;
}

/** Init containers come first in the pod, and have their turn before the others. */
function isInTheWay(container: Container): boolean {
  if (container.role !== 'init') return !container.ready && !isWaitingItsTurn(container);
  return isAbnormal(newestEnd(container)) || (container.state.kind === 'waiting' && !isWaitingItsTurn(container));
}

const PULLING = ['ErrImagePull', 'ImagePullBackOff'];

function whatIsWrongWith(container: Container): string {
  if (isWaitingFor(container, PULLING)) return 'has no image';
  const end = isAbnormal(newestEnd(container)) ? newestEnd(container) : container.lastEnd;
  if (end !== null && isAbnormal(end)) return `ended with ${describeEnd({ ...end, message: '' })}`;
  switch (container.state.kind) {
    case 'waiting':
      return `waits: ${container.state.reason}`;
    case 'terminated':
      return 'has ended';
    case 'running':
      return 'runs, and its readiness probe does not pass';
    case 'none':
      return 'has not been started';
  }
}
