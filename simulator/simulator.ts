import { type Clock, systemClock } from '../src/clock.ts';
import type { Transport } from '../src/cluster/transport.ts';
import type { Permissions } from './api/access.ts';
import type { LoggedRequest } from './api/request-log.ts';
import type { Resource } from './api/resources.ts';
import { type ApiServer, createApiServer } from './api-server.ts';
import { type Cluster, type ClusterOptions, createCluster } from './cluster.ts';
import { createRandom } from './random.ts';
import { createWorldClock, type WorldClock } from './world-clock.ts';

/** The token and the user that `sim.transport` speaks with. */
export const GATE_TOKEN = 'gate-token';
const GATE_USER = 'gate';

export interface SimulatorOptions extends ClusterOptions {
  /** Default the system clock: the model lives in real time. */
  readonly clock?: Clock;
  /** The same seed makes the same world. Default 1. */
  readonly seed?: number;
  /** How old the cluster is; default an hour, so that nodes and Calico are settled and their events expired. */
  readonly ageMs?: number;
  /** How far the API server's clock is ahead of `clock`. */
  readonly serverSkewMs?: number;
  /** What `/version` says. */
  readonly version?: string;
  readonly permissions?: Permissions;
  /** Further tokens and their users. */
  readonly tokens?: Readonly<Record<string, string>>;
  /** Further resources to serve, such as custom ones. */
  readonly resources?: readonly Resource[];
  /** How long old resource versions can be watched from and lists be continued. Default five minutes. */
  readonly historyMs?: number;
  /** How long each request over `transport` takes. Default 0; above it, a client that asks without a pause is seen at once. */
  readonly latencyMs?: number;
  /** Most objects of a page, whatever limit a list is asked with: few of them make many pages. */
  readonly pageLimit?: number;
}

export interface Simulator {
  /** Speaks to the API server as the user `gate`. */
  readonly transport: Transport;
  readonly transportFor: (token: string) => Transport;
  readonly api: ApiServer;
  readonly cluster: Cluster;
  readonly requests: readonly LoggedRequest[];
  readonly world: WorldClock;
  /** Makes all that exists `ms` older and lets the model live through that time at once. Only before the first request. */
  readonly warmUp: (ms: number) => void;
  /** Stops all timers and ends all watches. */
  readonly close: () => void;
}

const HOUR_MS = 3_600_000;

/** A cluster in memory with its API server. */
export function createSimulator(options: SimulatorOptions = {}): Simulator {
  const world = createWorldClock(options.clock ?? systemClock, options.serverSkewMs ?? 0);
  const random = createRandom(options.seed ?? 1);
  const api = createApiServer({
    world,
    random,
    tokens: { [GATE_TOKEN]: GATE_USER, ...options.tokens },
    ...(options.permissions === undefined ? {} : { permissions: options.permissions }),
    ...(options.version === undefined ? {} : { version: options.version }),
    ...(options.resources === undefined ? {} : { resources: options.resources }),
    ...(options.historyMs === undefined ? {} : { historyMs: options.historyMs }),
    ...(options.latencyMs === undefined ? {} : { latencyMs: options.latencyMs }),
    ...(options.pageLimit === undefined ? {} : { pageLimit: options.pageLimit }),
  });
  const cluster = createCluster(api, world, random, options);
  const warmUp = (ms: number): void => {
    if (api.requests.length > 0) {
      throw new Error(
        `cannot age the world by ${ms} ms: somebody has already seen it; call warmUp before the first request`,
      );
    }
    world.fastForward(ms);
  };
  warmUp(options.ageMs ?? HOUR_MS);
  return {
    transport: api.transport(GATE_TOKEN),
    transportFor: api.transport,
    api,
    cluster,
    requests: api.requests,
    world,
    warmUp,
    close: () => {
      api.watches.close();
      world.close();
    },
  };
}
