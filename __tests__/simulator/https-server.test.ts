import { mkdtemp, readFile, rm } from 'node:fs/promises';
import type { IncomingMessage } from 'node:http';
import { Agent, request as httpsRequest } from 'node:https';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import { type HttpsServer, startHttpsServer } from '../../simulator/https-server.ts';
import type { Simulator } from '../../simulator/simulator.ts';
import type { ApiRequest, Transport } from '../../src/cluster/transport.ts';
import { contractWorldOf, simulateContract } from './contract/simulated.ts';
import { WIRE_CONTRACT, type WireReply, type WireRequest } from './contract/wire.ts';
import { ask } from './contract/world.ts';
import { CONTRACT } from './contract.ts';

let folder = '';
let sim: Simulator;
let server: HttpsServer;
let agent: Agent;

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'simulator-'));
  sim = simulateContract();
  server = await startHttpsServer(sim, { folder });
  agent = new Agent({ keepAlive: true, ca: server.ca });
});

afterAll(async () => {
  agent.destroy();
  sim.close();
  await server.close();
  await rm(folder, { recursive: true });
});

/** The plainest client there is: what comes is not decoded. */
function send(
  { method, path, headers, body }: WireRequest,
  signal?: AbortSignal,
): Promise<{ readonly message: IncomingMessage; readonly wasConnected: boolean }> {
  return new Promise((resolve, reject) => {
    const options = { method: method ?? 'GET', agent, headers: { ...headers }, ...(signal ? { signal } : {}) };
    const outgoing = httpsRequest(server.url + path, options, (message) =>
      resolve({ message, wasConnected: outgoing.reusedSocket }),
    );
    outgoing.on('error', reject);
    outgoing.end(body);
  });
}

const transportFor =
  (token: string): Transport =>
  async ({ method, path, accept, body, signal }: ApiRequest) => {
    const headers = {
      authorization: `Bearer ${token}`,
      accept: accept ?? 'application/json',
      ...(body === undefined ? {} : { 'content-length': String(Buffer.byteLength(body)) }),
    };
    const { message } = await send({ method, path, headers, ...(body === undefined ? {} : { body }) }, signal);
    return {
      status: message.statusCode ?? 0,
      headers: message.headers as Readonly<Record<string, string>>,
      body: message,
    };
  };
const transport = transportFor('gate-token');

async function exchange({ authorization = 'Bearer gate-token', ...request }: WireRequest): Promise<WireReply> {
  const headers = { ...request.headers, ...(authorization === null ? {} : { authorization }) };
  const { message, wasConnected } = await send({ ...request, headers });
  const chunks: Buffer[] = [];
  for await (const chunk of message) chunks.push(chunk as Buffer);
  const { statusCode = 0 } = message;
  return {
    status: statusCode,
    headers: message.headers as Readonly<Record<string, string>>,
    bytes: Buffer.concat(chunks),
    wasConnected,
  };
}

describe('the simulator over HTTPS', () => {
  test.each(CONTRACT.filter(({ waits }) => !waits))('$name', async ({ run }) => {
    await run(contractWorldOf(sim, transportFor));
  });

  test.each(WIRE_CONTRACT)('$name', async ({ run }) => {
    await run({ ...contractWorldOf(sim, transportFor), exchange });
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
