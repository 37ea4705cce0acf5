/** The rights that the gate needs, by the requests that it makes where it may do what a mode is for, and nothing else. */
import type { Permissions } from '../../simulator/api/access.ts';
import type { LoggedRequest } from '../../simulator/api/request-log.ts';
import { type Inputs, play, type World } from '../harness.ts';
import { aBrokenWorld, CALICO } from './broken-node.ts';
import { clusterWide, type Manifest, type Mode, namespaced, neededBy, rightOf } from './rbac.ts';

/** The namespaces that are judged where not all are. */
export const JUDGED = ['shop', 'web'] as const;

export const VARIANTS = ['cluster-wide', 'namespaced'] as const;
export type Variant = (typeof VARIANTS)[number];

export function manifestsFor(mode: Mode, variant: Variant): readonly Manifest[] {
  return variant === 'cluster-wide' ? clusterWide(mode) : namespaced(mode, JUDGED);
}

/** What a mode is about; `rbac/` has no say in it. */
function allowedIn(mode: Mode, variant: Variant): Permissions {
  const places: readonly string[] = mode === 'observe' ? JUDGED : [...JUDGED, CALICO];
  return ({ resource, namespace }) => {
    if (mode === 'observe' && resource === 'events') return false;
    return variant === 'cluster-wide' || (namespace !== undefined && places.includes(namespace));
  };
}

/** Everything that a gate ever does: all kinds of scopes and troubles, and the answer to its first DELETE gets lost. */
export async function requestsIn(
  mode: Mode,
  variant: Variant,
  permissions = allowedIn(mode, variant),
): Promise<readonly LoggedRequest[]> {
  const inputs: Inputs = {
    namespaces: JUDGED.join(),
    'restart-calico-node': String(mode === 'restart'),
    timeout: '3m',
  };
  const requests = [...(await requestsOf({ ...inputs, 'calico-namespace': CALICO }, permissions))];
  if (variant === 'cluster-wide') requests.push(...(await requestsOf({ ...inputs, namespaces: '' }, permissions)));
  return requests;
}

async function requestsOf(inputs: Inputs, permissions: Permissions): Promise<readonly LoggedRequest[]> {
  const world = aBrokenWorld({ before: withCrashes });
  world.sim.api.faults = ({ method, nth }) => (method === 'DELETE' && nth === 1 ? { kind: 'reset-after' } : undefined);
  world.sim.api.permissions = permissions;
  await play(world, { ...inputs, 'fail-fast': 'false' });
  return world.sim.requests;
}

function withCrashes({ sim }: World): void {
  for (const namespace of JUDGED) {
    const behaviour = { kind: 'crash', log: ['panic'] } as const;
    sim.cluster.deploy({ namespace, name: 'crashing', behaviour, nodeName: 'n2' });
  }
}

/** By their names. */
export async function neededRights(mode: Mode, variant: Variant): Promise<readonly string[]> {
  const allowed = (await requestsIn(mode, variant)).filter(({ status }) => status !== 403);
  return neededBy(
    allowed.flatMap((request) => rightOf(request) ?? []),
    variant === 'cluster-wide',
  );
}
