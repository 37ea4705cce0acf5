import { type Api, createApi } from './cluster/api.ts';
import { isApiError } from './cluster/api-error.ts';
import { type Connection, connect } from './cluster/connection.ts';
import { readKubernetesVersion } from './cluster/version.ts';
import { formatDuration } from './duration.ts';
import { type GateOptions, type Run, tellWhile } from './run.ts';

/** What a run talks to. */
export interface Cluster {
  readonly connection: Connection;
  readonly api: Api;
}

/** Finds and reads the kubeconfig; nothing is sent yet. Rejects with what was tried. */
export async function dialCluster(run: Run, { env, connect: dial = connect }: GateOptions): Promise<Cluster> {
  const { kubeconfig, context } = run.settings;
  const connection = await dial({ kubeconfig, context, env, mask: run.mask }, run.signal);
  const { server, source } = connection;
  run.tell({ type: 'connecting', server, context: connection.context, source }, run.serverClock.now());
  for (const warning of connection.warnings) run.warn(warning);

  const api = createApi({
    transport: connection.transport,
    clock: run.clock,
    serverClock: run.serverClock,
    renewCredentials: connection.renewCredentials,
    hide: run.hide,
    signal: run.hardSignal,
    random: run.random,
    tell: run.tell,
  });
  return { connection, api };
}

const FIRST_ADVICE =
  "check that the kubeconfig's server is an API server, that it answers, and that this machine may reach it (VPN, firewall, authorized networks, proxy)";

/** The first contact; gives the server's version. Rejects with what to do when there is none to be had. */
export async function meet(run: Run, { connection, api }: Cluster): Promise<string> {
  const { server } = connection;
  let trouble = 'get /version: no answer yet';
  const onTrouble = ({ message }: { readonly message: string }): void => {
    trouble = message;
  };
  try {
    const version = readKubernetesVersion(api, { signal: run.signal, onTrouble });
    const kubernetesVersion = await tellWhile(run, () => `${server}: ${trouble}`, version);
    run.tell({ type: 'connected', server, kubernetesVersion }, api.now());
    return kubernetesVersion;
  } catch (error) {
    if (!isApiError(error)) throw error;
    const isLate = error.kind === 'aborted';
    const within = isLate ? ` within ${formatDuration(run.settings.timeoutMs)}` : '';
    const said = isLate ? trouble : error.message;
    // Most messages of requests end with what to do.
    const advice = said.includes('; ') ? '' : `; ${FIRST_ADVICE}`;
    throw new Error(`no contact with the API server ${server}${within}: ${said}${advice}`, { cause: error });
  }
}
