import { mkdtemp, readFile, rm } from 'node:fs/promises';
import { Agent, request as httpsRequest } from 'node:https';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { gunzipSync } from 'node:zlib';
import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import { type HttpsServer, startHttpsServer } from '../../simulator/https-server.ts';
import { createSimulator, type Simulator } from '../../simulator/simulator.ts';
import type { ApiRequest, Transport } from '../../src/cluster/transport.ts';
import { ask, CONTRACT, type ListBody } from './contract.ts';

let folder = '';
let sim: Simulator;
let server: HttpsServer;
let agent: Agent;

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'simulator-'));
  sim = createSimulator();
  sim.cluster.deploy({ namespace: 'shop', name: 'web', replicas: 12 });
  sim.cluster.deploy({ namespace: 'shop', name: 'cart', replicas: 1 });
  sim.warmUp(30_000);
  server = await startHttpsServer(sim, { folder });
  agent = new Agent({ keepAlive: true, ca: server.ca });
});

afterAll(async () => {
  agent.destroy();
  sim.close();
  await server.close();
  await rm(folder, { recursive: true });
});

/** The plainest client there is. */
const transport: Transport = ({ method, path, body, signal }: ApiRequest) =>
  new Promise((resolve, reject) => {
    const outgoing = httpsRequest(
      server.url + path,
      {
        method,
        agent,
        signal,
        headers: {
          authorization: 'Bearer gate-token',
          ...(body === undefined ? {} : { 'content-length': Buffer.byteLength(body) }),
        },
      },
      (incoming) =>
        resolve({
          status: incoming.statusCode ?? 0,
          headers: incoming.headers as Readonly<Record<string, string>>,
          body: incoming,
        }),
    );
    outgoing.on('error', reject);
    outgoing.end(body);
  });

describe('the simulator over HTTPS', () => {
  test.each(CONTRACT.filter(({ name }) => !/timeoutSeconds, in the regular way/.test(name)))(
    '$name',
    async ({ run }) => {
      await run({
        transport,
        namespace: 'shop',
        app: 'web',
        victim: () =>
          Promise.resolve(
            sim.cluster
              .pods('shop')
              .find((pod) => pod.metadata.labels?.app === 'web' && !pod.metadata.deletionTimestamp)?.metadata.name ??
              '',
          ),
      });
    },
  );

  test('one connection serves many requests', async () => {
    const before = server.connections();
    for (let index = 0; index < 5; index += 1) await ask(transport, '/version');
    expect(server.connections() - before).toBeLessThanOrEqual(1);
  });

  test('large lists are compressed for who accepts it', async () => {
    for (let index = 0; index < 500; index += 1) {
      sim.cluster.put('pods', {
        metadata: { name: `pod-${index}`, namespace: 'many', labels: { filler: 'x'.repeat(60) } },
        spec: { containers: [] },
        status: { phase: 'Running' },
      });
    }
    const compressed = await new Promise<Buffer>((resolve, reject) => {
      const outgoing = httpsRequest(
        `${server.url}/api/v1/namespaces/many/pods`,
        { agent, headers: { authorization: 'Bearer gate-token', 'accept-encoding': 'gzip' } },
        (incoming) => {
          const chunks: Buffer[] = [];
          incoming.on('data', (chunk: Buffer) => chunks.push(chunk));
          incoming.on('end', () =>
            incoming.headers['content-encoding'] === 'gzip'
              ? resolve(Buffer.concat(chunks))
              : reject(new Error('not compressed')),
          );
        },
      );
      outgoing.on('error', reject);
      outgoing.end();
    });
    expect((JSON.parse(gunzipSync(compressed).toString('utf8')) as ListBody).items).toHaveLength(500);
  });

  test.each([
    ['reset-before', { kind: 'reset-before' }],
    ['truncate', { kind: 'truncate', afterBytes: 20 }],
  ] as const)('fault %s breaks the connection', async (_name, fault) => {
    sim.api.faults = () => fault;
    await expect(ask(transport, '/api/v1/namespaces/shop/pods')).rejects.toMatchObject({ code: 'ECONNRESET' });
    sim.api.faults = () => undefined;
  });

  test('the kubeconfig names the server, its authority and a token', async () => {
    const text = await readFile(server.kubeconfig, 'utf8');
    expect(text).toContain(`server: ${server.url}\n`);
    expect(text).toContain(`certificate-authority-data: ${Buffer.from(server.ca).toString('base64')}\n`);
    expect(text).toContain('token: "gate-token"\n');
  });

  test('a client that does not know the authority refuses it', async () => {
    const refused = new Promise((resolve, reject) => {
      httpsRequest(`${server.url}/version`, { agent: false }, resolve).on('error', reject).end();
    });
    await expect(refused).rejects.toMatchObject({
      code: expect.stringMatching(/UNABLE_TO_VERIFY_LEAF_SIGNATURE|SELF_SIGNED/),
    });
  });
});
