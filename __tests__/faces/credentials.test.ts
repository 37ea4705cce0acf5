import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, describe, expect, test } from '@jest/globals';
import { createSimulator, GATE_TOKEN, type Simulator } from '../../simulator/simulator.ts';
import { aKubeconfig, anHttpServer, aSocksProxy, aTlsProxy, base64 } from '../cluster/loopback.ts';
import { aToken } from '../cluster/tokens.ts';
import type { Inputs } from '../harness.ts';
import { type ActionPlayed, aFolder, closeAll, playAction, playCli, type Served, serve, writeFileIn } from './runs.ts';

const closing = new Set<() => Promise<unknown>>();
afterAll(async () => {
  for (const close of closing) await close();
  await closeAll();
});

async function opened<T extends { readonly close: () => Promise<unknown> }>(server: Promise<T>): Promise<T> {
  const started = await server;
  closing.add(started.close);
  return started;
}

function aShop(): Simulator {
  const sim = createSimulator({ seed: 5 });
  sim.cluster.deploy({ namespace: 'shop', name: 'web', replicas: 2 });
  sim.warmUp(60_000);
  return sim;
}

const SHOP: Inputs = { namespaces: 'shop', 'stable-for': '0s', timeout: '60s' };
const FLAGS = Object.entries(SHOP).map(([name, value]) => `--${name}=${value}`);

function kubeconfigOf({ server, folder }: Served, user: object, cluster: object = {}): string {
  const trusted = { server: server.url, 'certificate-authority-data': base64(server.ca), ...cluster };
  return writeFileIn(folder, 'of-this-test', aKubeconfig(trusted, user, 'gate'));
}

/** A plugin that gives what stands in `credential`, and writes a line into `runs`. */
function aPlugin({ folder }: Served): object {
  const script = `#!/bin/sh\necho run >> "${folder}/runs"\ncat "${folder}/credential"\n`;
  return {
    exec: {
      ...{ apiVersion: 'client.authentication.k8s.io/v1', command: writeFileIn(folder, 'plugin.sh', script) },
      interactiveMode: 'Never',
    },
  };
}

function giving({ folder }: Served, token: string): void {
  const credential = { apiVersion: 'client.authentication.k8s.io/v1', kind: 'ExecCredential', status: { token } };
  writeFileSync(join(folder, 'credential'), JSON.stringify(credential));
}

function runsOf({ folder }: Served): number {
  return readFileSync(join(folder, 'runs'), 'utf8').split('\n').length - 1;
}

/** Calls `act` when the log shows that the cluster has been looked at. */
function whenLookedAt(act: () => void): { readonly onOutput: (text: string) => void } {
  let isDone = false;
  return {
    onOutput: (text) => {
      if (isDone || !text.includes('pods ready')) return;
      isDone = true;
      act();
    },
  };
}

/** Ends the present token, and the watches that were opened with it. */
function revoke({ sim }: Served): void {
  sim.api.tokens.revoke(GATE_TOKEN);
  sim.api.watches.close();
}

describe('credentials that end in the middle of a run', () => {
  const LONG: Inputs = { ...SHOP, 'stable-for': '8s' };

  test.concurrent('are obtained anew from the plugin, once for all requests that need them', async () => {
    const served = await serve(aShop());
    giving(served, GATE_TOKEN);
    const renewing = whenLookedAt(() => {
      giving(served, 'renewed-token');
      served.sim.api.tokens.add('renewed-token', 'gate');
      revoke(served);
    });
    const kubeconfig = kubeconfigOf(served, aPlugin(served));
    const { exitCode, stdout } = await playAction(served, { ...LONG, kubeconfig }, renewing);
    expect(exitCode).toBe(0);
    expect(runsOf(served)).toBe(2);
    expect(stdout).toContain('::add-mask::renewed-token');
    expect(served.sim.requests.filter(({ status }) => status === 401).length).toBeGreaterThan(1);
  });

  test.concurrent('are read again from the token file', async () => {
    const served = await serve(aShop());
    const tokenFile = join(served.folder, 'token');
    writeFileSync(tokenFile, `${GATE_TOKEN}\n`);
    const rotating = whenLookedAt(() => {
      writeFileSync(tokenFile, 'rotated-token\n');
      served.sim.api.tokens.add('rotated-token', 'gate');
      revoke(served);
    });
    const kubeconfig = kubeconfigOf(served, { tokenFile });
    const { exitCode, stdout } = await playAction(served, { ...LONG, kubeconfig }, rotating);
    expect(exitCode).toBe(0);
    expect(stdout).toContain('::add-mask::rotated-token');
  });

  test.concurrent('and are refused again end the run at once, with what to do', async () => {
    const served = await serve(aShop());
    giving(served, GATE_TOKEN);
    const refusing = whenLookedAt(() => revoke(served));
    const kubeconfig = kubeconfigOf(served, aPlugin(served));
    const { exitCode, outputs } = await playAction(served, { ...LONG, timeout: '10m', kubeconfig }, refusing);
    expect({ exitCode, verdict: outputs.verdict }).toEqual({ exitCode: 1, verdict: 'inconclusive' });
    expect(outputs.reason).toMatch(
      /^\w+ .*: 401 Unauthorized, also with credentials obtained anew; renew the token .*, or log in again before this step/u,
    );
    expect(runsOf(served)).toBe(2);
  });

  test.concurrent('cost nothing of a restart that is under way', async () => {
    const sim = createSimulator({ seed: 5, nodes: ['n1', 'n2'], calico: { namespace: 'calico-system' } });
    sim.cluster.deploy({ namespace: 'shop', name: 'web', replicas: 4 });
    sim.warmUp(60_000);
    sim.cluster.breakToken('n1', 'unauthorized');
    sim.cluster.deploy({ namespace: 'shop', name: 'web', replicas: 4 });
    sim.warmUp(60_000);
    const served = await serve(sim);
    giving(served, GATE_TOKEN);
    sim.api.faults = ({ method }) => {
      if (method !== 'DELETE') return undefined;
      // From this very request on.
      sim.api.faults = () => undefined;
      giving(served, 'renewed-token');
      sim.api.tokens.add('renewed-token', 'gate');
      revoke(served);
      return { kind: 'status', status: 401 };
    };
    const kubeconfig = kubeconfigOf(served, aPlugin(served));
    const inputs = { ...SHOP, 'restart-calico-node': 'true', timeout: '5m', kubeconfig };
    const { exitCode, outputs } = await playAction(served, inputs);
    expect({ exitCode, verdict: outputs.verdict }).toEqual({ exitCode: 0, verdict: 'healthy' });
    expect(outputs['restarted-nodes']).toBe('["n1"]');
    expect(sim.requests.filter(({ method, status }) => method === 'DELETE' && status === 200)).toHaveLength(1);
  }, 120_000);
});

describe('no credentials to be had', () => {
  async function refusedBy(user: object): Promise<ActionPlayed> {
    const served = await serve(aShop());
    const played = await playAction(served, { ...SHOP, kubeconfig: kubeconfigOf(served, user) });
    expect({ exitCode: played.exitCode, verdict: played.outputs.verdict }).toEqual({
      ...{ exitCode: 1, verdict: 'inconclusive' },
    });
    return played;
  }
  const plugin = (exec: object): object => ({
    exec: { apiVersion: 'client.authentication.k8s.io/v1', interactiveMode: 'Never', ...exec },
  });
  const node = (script: string): object => plugin({ command: process.execPath, args: ['-e', script] });

  test.concurrent.each<[string, object, RegExp]>([
    [
      'a plugin that is not installed',
      plugin({ command: 'no-such-auth-plugin', installHint: 'Install it with gcloud components' }),
      /^exec plugin "no-such-auth-plugin" of user "gate" is not there: Install it with gcloud components$/u,
    ],
    ['a plugin that prints garbage', node('console.log("Welcome!")'), /printed no ExecCredential: it must print JSON/u],
    [
      'a plugin that wants a terminal',
      plugin({ command: 'true', interactiveMode: 'Always' }),
      /use another login for CI$/u,
    ],
    [
      'a plugin that fails',
      node('console.error("expired session"); process.exit(9)'),
      /exit code 9: expired session$/u,
    ],
    [
      'a token file that is not there',
      { tokenFile: '/no/such/token' },
      /^the token file \/no\/such\/token .* ENOENT$/u,
    ],
    [
      'an old auth provider',
      { 'auth-provider': { name: 'gcp' } },
      /^the auth provider "gcp" .* gke-gcloud-auth-plugin$/u,
    ],
  ])('%s is explained in a sentence', async (_, user, words) => {
    const { outputs } = await refusedBy(user);
    expect(outputs.reason).toMatch(words);
  });

  test.concurrent('a token that has expired is told besides the refusal', async () => {
    const { outputs, report, annotations } = await refusedBy({ token: aToken(Date.now() - 86_400_000) });
    expect(outputs.reason).toContain('401 Unauthorized');
    expect(report?.warnings).toEqual([expect.stringMatching(/^the token of user "gate" expired at .*: log in again/u)]);
    expect(annotations.warning.join()).toContain('expired at');
  });
});

describe('certificates', () => {
  test.concurrent('that are not checked are warned of, wherever people look', async () => {
    const served = await serve(aShop());
    const cluster = { 'certificate-authority-data': undefined, 'insecure-skip-tls-verify': true };
    const kubeconfig = kubeconfigOf(served, { token: GATE_TOKEN }, cluster);
    const { exitCode, stdout, report, summary, annotations } = await playAction(served, { ...SHOP, kubeconfig });
    const words = 'the kubeconfig has insecure-skip-tls-verify';
    expect(exitCode).toBe(0);
    expect(report?.warnings).toEqual([expect.stringContaining(words)]);
    expect(stdout).toContain(words);
    expect(summary.replaceAll(/&#\d+;/gu, '-')).toContain(words);
    expect(annotations.warning).toEqual([expect.stringContaining(words)]);
  });

  test.concurrent.each<[string, Parameters<typeof serve>[1], RegExp]>([
    [
      'that have expired',
      { certificate: { expired: true } },
      /the server's certificate has expired.*; renew it .*check the clock/u,
    ],
    [
      'for another name',
      { certificate: { hosts: ['api.example'] } },
      /the server's certificate is for another name.*; use a host name that it names .* or set tls-server-name there/u,
    ],
  ])('%s are said at once, with what to do', async (_, options, words) => {
    const { outputs } = await playAction(await serve(aShop(), options), { ...SHOP, timeout: '10m' });
    expect(outputs).toMatchObject({ verdict: 'inconclusive', reason: expect.stringMatching(words) });
  });

  test.concurrent('where there are none are missed at once: the server does not speak TLS', async () => {
    const { port } = await opened(anHttpServer((_, response) => response.end()));
    const kubeconfig = writeFileIn(aFolder(), 'config', aKubeconfig({ server: `https://127.0.0.1:${port}` }));
    const { outputs } = await playAction(null, { ...SHOP, timeout: '10m', kubeconfig });
    expect(outputs.reason).toMatch(/the server does not speak TLS.*; check scheme and port/u);
  });
});

describe('a proxy', () => {
  const HOST = 'api.private.example';

  test.concurrent('of the SOCKS kind is the way to a server that only it can find', async () => {
    const served = await serve(aShop(), { certificate: { hosts: [HOST] } });
    const proxy = await opened(aSocksProxy(() => served.server.port, { user: 'me', password: 'p@ss-word' }));
    const cluster = {
      server: `https://${HOST}:6443`,
      'proxy-url': `socks5://me:p%40ss-word@127.0.0.1:${proxy.port}`,
    };
    const kubeconfig = kubeconfigOf(served, { token: GATE_TOKEN }, cluster);
    const { exitCode } = await playCli(served, [...FLAGS, '--kubeconfig', kubeconfig]);
    expect(exitCode).toBe(0);
    expect(new Set(proxy.tunnels)).toEqual(new Set([`${HOST}:6443`]));
  });

  test.concurrent('may be asked over TLS, with an authority of its own in NODE_EXTRA_CA_CERTS', async () => {
    const served = await serve(aShop(), { certificate: { hosts: [HOST] } });
    const proxy = await opened(aTlsProxy(() => served.server.port));
    const kubeconfig = kubeconfigOf(served, { token: GATE_TOKEN }, { server: `https://${HOST}:6443` });
    const env = { HTTPS_PROXY: proxy.url, NODE_EXTRA_CA_CERTS: writeFileIn(aFolder(), 'ca.pem', proxy.ca) };
    const { exitCode, stderr } = await playCli(served, [...FLAGS, '--kubeconfig', kubeconfig], { env });
    expect({ exitCode, stderr }).toEqual({ exitCode: 0, stderr: '' });
    expect(proxy.tunnels.length).toBeGreaterThan(0);
  });

  test.concurrent('that is of no known kind is a clear no', async () => {
    const served = await serve(aShop());
    const kubeconfig = kubeconfigOf(served, { token: GATE_TOKEN }, { 'proxy-url': 'ftp://me:secret-word@proxy' });
    const { exitCode, stdout } = await playCli(served, [...FLAGS, '--kubeconfig', kubeconfig]);
    expect(exitCode).toBe(2);
    expect(stdout).toContain(
      "INCONCLUSIVE: the kubeconfig's proxy-url is no URL of a proxy; allowed: http://, https:// or socks5:// with host and port",
    );
    expect(stdout).not.toContain('secret-word');
  });
});
