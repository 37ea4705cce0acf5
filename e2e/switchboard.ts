import { once } from 'node:events';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import type { Cluster } from './harness.ts';
import type { ContainerOptions } from './workloads.ts';

/** Answers readiness probes in place of the containers: a scenario says when which of them succeed. */
export interface Switchboard {
  /** The fields of a container whose readiness the switch decides. */
  readonly readinessOf: (name: string) => ContainerOptions;
  readonly set: (name: string, ready: boolean) => void;
  readonly close: () => void;
}

/** On the control plane's machine, which every node reaches. All switches are off at first. */
export async function startSwitchboard({ api }: Cluster): Promise<Switchboard> {
  const { hostname } = new URL(api.server);
  const on = new Set<string>();
  const server = createServer((request, response) => {
    response.statusCode = on.has(request.url?.slice(1) ?? '') ? 200 : 503;
    response.end();
  });
  server.listen(0, hostname);
  await once(server, 'listening');
  const { port } = server.address() as AddressInfo;
  return {
    readinessOf: (name) => ({
      readinessProbe: { httpGet: { host: hostname, port, path: `/${name}` }, periodSeconds: 1, failureThreshold: 1 },
    }),
    set: (name, ready) => {
      if (ready) on.add(name);
      else on.delete(name);
    },
    close: () => {
      server.closeAllConnections();
      server.close();
    },
  };
}
