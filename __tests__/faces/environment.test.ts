import { writeFileSync } from 'node:fs';
import { createServer, type Server } from 'node:http';
import { type AddressInfo, connect } from 'node:net';
import { delimiter, join } from 'node:path';
import { afterAll, describe, expect, test } from '@jest/globals';
import type { CertificateOptions } from '../../simulator/certificates.ts';
import { createSimulator } from '../../simulator/simulator.ts';
import { aFolder, closeAll, playAction, playCli, type Served, serve } from './runs.ts';

const proxies = new Set<Server>();
afterAll(async () => {
  await closeAll();
  for (const proxy of proxies) {
    proxy.closeAllConnections();
    proxy.close();
  }
});

/** A namespace without pods is enough to see whether a cluster was reached. */
const EMPTY = { namespaces: 'default', 'min-pods': '0', 'stable-for': '0s', timeout: '20s' };
const EMPTY_FLAGS = Object.entries(EMPTY).map(([name, value]) => `--${name}=${value}`);

const serveEmpty = (certificate?: CertificateOptions): Promise<Served> =>
  serve(createSimulator({ seed: 5 }), certificate === undefined ? {} : { certificate });

interface Proxy {
  readonly url: string;
  /** `host:port` of each CONNECT. */
  readonly asked: readonly string[];
}

/** An HTTP proxy that finds every host on this machine. */
async function aProxy(): Promise<Proxy> {
  const asked: string[] = [];
  const proxy = createServer();
  proxy.on('connect', (request, client) => {
    asked.push(request.url ?? '');
    const upstream = connect(Number(request.url?.split(':').at(-1)), '127.0.0.1', () => {
      client.write('HTTP/1.1 200 Connection Established\r\n\r\n');
      client.pipe(upstream).pipe(client);
    });
    upstream.on('error', () => client.destroy());
    client.on('error', () => upstream.destroy());
  });
  await new Promise<void>((resolve) => proxy.listen(0, '127.0.0.1', resolve));
  proxies.add(proxy);
  return { url: `http://127.0.0.1:${(proxy.address() as AddressInfo).port}`, asked };
}

describe('KUBECONFIG', () => {
  test.concurrent('is used where no kubeconfig is given', async () => {
    const { server } = await serveEmpty();
    const { exitCode } = await playCli(null, EMPTY_FLAGS, { env: { KUBECONFIG: server.kubeconfig } });
    expect(exitCode).toBe(0);
  });

  test.concurrent('may list several files, which are merged', async () => {
    const { server, folder } = await serveEmpty();
    const first = join(folder, 'first');
    writeFileSync(first, 'apiVersion: v1\nkind: Config\ncurrent-context: other\n');
    const second = await server.writeKubeconfig('second', { context: 'other' });
    const { exitCode, stdout } = await playCli(null, EMPTY_FLAGS, {
      env: { KUBECONFIG: [first, join(folder, 'missing'), second].join(delimiter) },
    });
    expect(exitCode).toBe(0);
    expect(stdout).toContain('(context other, from kubeconfig ');
  });

  test.concurrent('loses against the input', async () => {
    const served = await serveEmpty();
    const { exitCode } = await playAction(served, EMPTY, { env: { KUBECONFIG: '/no/such/kubeconfig' } });
    expect(exitCode).toBe(0);
  });
});

/** Makes the process find every host name on this machine, without asking any name server. */
function everyHostIsHere(): Readonly<Record<string, string>> {
  const file = join(aFolder(), 'every-host-is-here.cjs');
  writeFileSync(
    file,
    `require('node:dns').lookup = (host, options, done) =>
       options.all ? done(null, [{ address: '127.0.0.1', family: 4 }]) : done(null, '127.0.0.1', 4);`,
  );
  return { NODE_OPTIONS: `--require=${file}` };
}

describe('proxies', () => {
  const HOST = 'api.cluster.example';

  /** Whether a run through `HOST` passed, and what the proxy was asked for. */
  async function runBehind(variable: string, more: Readonly<Record<string, string>> = {}): Promise<object> {
    const { server } = await serveEmpty({ hosts: [HOST] });
    const kubeconfig = await server.writeKubeconfig('named', { server: `https://${HOST}:${server.port}` });
    const proxy = await aProxy();
    const env = { ...everyHostIsHere(), [variable]: proxy.url, ...more };
    const { exitCode } = await playCli(null, [...EMPTY_FLAGS, '--kubeconfig', kubeconfig], { env });
    const asked = proxy.asked.map((target) => target.replace(`:${server.port}`, ''));
    return { exitCode, asked: [...new Set(asked)] };
  }

  test.concurrent.each(['HTTPS_PROXY', 'https_proxy'])('%s is the way to the API server', async (name) => {
    expect(await runBehind(name)).toEqual({ exitCode: 0, asked: [HOST] });
  });

  test.concurrent.each([
    ['NO_PROXY', '.cluster.example'],
    ['no_proxy', 'elsewhere.example, cluster.example'],
    ['NO_PROXY', '*'],
  ])('%s=%s takes the API server out of its hands', async (name, value) => {
    expect(await runBehind('HTTPS_PROXY', { [name]: value })).toEqual({ exitCode: 0, asked: [] });
  });

  test.concurrent('NO_PROXY for others changes nothing', async () => {
    expect(await runBehind('HTTPS_PROXY', { NO_PROXY: 'other.example,10.0.0.0/8' })).toEqual({
      exitCode: 0,
      asked: [HOST],
    });
  });

  test.concurrent('HTTP_PROXY is not for servers with TLS', async () => {
    expect(await runBehind('HTTP_PROXY')).toEqual({ exitCode: 0, asked: [] });
  });
});

describe('certificates', () => {
  test.concurrent('an unknown authority is said at once, with what to do', async () => {
    const { server } = await serveEmpty();
    const kubeconfig = await server.writeKubeconfig('without-ca', { withoutCa: true });
    const { exitCode, outputs } = await playAction(null, { ...EMPTY, timeout: '10m', kubeconfig });
    expect({ exitCode, verdict: outputs.verdict }).toEqual({ exitCode: 1, verdict: 'inconclusive' });
    expect(outputs.reason).toMatch(/certificate.*(?:NODE_EXTRA_CA_CERTS|certificate-authority)/u);
  });

  test.concurrent('NODE_EXTRA_CA_CERTS names further authorities', async () => {
    const { server } = await serveEmpty();
    const kubeconfig = await server.writeKubeconfig('without-ca', { withoutCa: true });
    const ca = join(aFolder(), 'ca.pem');
    writeFileSync(ca, server.ca);
    const { exitCode, outputs } = await playAction(
      null,
      { ...EMPTY, kubeconfig },
      { env: { NODE_EXTRA_CA_CERTS: ca } },
    );
    expect({ exitCode, verdict: outputs.verdict }).toEqual({ exitCode: 0, verdict: 'healthy' });
  });
});

describe('RUNNER_DEBUG', () => {
  /** Told in a debug line: that the first request is tried again. */
  const RETRY = /get \/version: 503 .*; again in \d+ ms/u;
  const serveWithOneOutage = async (): Promise<Served> => {
    const served = await serveEmpty();
    served.sim.api.faults = ({ path, nth }) =>
      path === '/version' && nth === 1 ? { kind: 'status', status: 503 } : undefined;
    return served;
  };

  test.concurrent('=1 shows debug lines on the command line', async () => {
    const { stdout } = await playCli(await serveWithOneOutage(), EMPTY_FLAGS, { env: { RUNNER_DEBUG: '1' } });
    expect(stdout).toMatch(RETRY);
  });

  test.concurrent('without it there are none', async () => {
    const { stdout } = await playCli(await serveWithOneOutage(), EMPTY_FLAGS);
    expect(stdout).not.toMatch(RETRY);
  });

  test.concurrent('the action tells them as commands, which a runner shows in its debug mode only', async () => {
    const { stdout } = await playAction(await serveWithOneOutage(), EMPTY);
    const lines = stdout.split('\n').filter((line) => RETRY.test(line));
    expect(lines).toEqual([expect.stringMatching(/^::debug::/u)]);
  });
});

describe('a redirect', () => {
  test.concurrent('is never followed: credentials go to nobody else', async () => {
    const [served, other] = [await serveEmpty(), await serveEmpty()];
    const location = `${other.server.url}/version`;
    served.sim.api.faults = () => ({ kind: 'status', status: 302, headers: { location }, body: 'Found' });
    const { exitCode, outputs } = await playAction(served, { ...EMPTY, timeout: '10m' });
    expect({ exitCode, verdict: outputs.verdict }).toEqual({ exitCode: 1, verdict: 'inconclusive' });
    expect(outputs.reason).toContain('redirects are never followed');
    expect(other.sim.requests).toEqual([]);
  });
});
