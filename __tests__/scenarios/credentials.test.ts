import { describe, expect, test } from '@jest/globals';
import { ConnectError } from '../../src/cluster/connect-error.ts';
import { type Inputs, type Played, type PlayOptions, play, type World } from '../harness.ts';
import { aShop, MINUTE, SECOND } from './shop.ts';

const SHOP: Inputs = { namespaces: 'shop', timeout: '3m', 'stable-for': '40s' };

const NO_CREDENTIALS = new ConnectError('exec plugin "gke-gcloud-auth-plugin" failed with exit code 1', {
  reason: 'CredentialsFailed',
});

/** Credentials that can be had anew, each under another name, and how often they were. */
function renewable({ sim }: World): PlayOptions & { readonly renewals: () => number; readonly revoke: () => void } {
  let count = 0;
  const token = (): string => `token-${count}`;
  sim.api.tokens.add(token(), 'gate');
  return {
    token,
    renewCredentials: () => {
      count += 1;
      sim.api.tokens.add(token(), 'gate');
      return Promise.resolve();
    },
    renewals: () => count,
    revoke: () => {
      sim.api.tokens.revoke(token());
      sim.api.watches.close();
    },
  };
}

describe('credentials that are refused with 401 in the middle of a run', () => {
  test('are obtained anew, once for all requests that were refused with them, and the run goes on', async () => {
    const world = aShop();
    const identity = renewable(world);
    world.clock.after(10 * SECOND, () => {
      // One of them is refused when the others have new ones already.
      world.sim.api.faults = ({ path, user }) =>
        path.includes('/pods?watch=1') && user === undefined ? { kind: 'delay', delayMs: 2 * SECOND } : undefined;
      identity.revoke();
    });
    const { report, log } = await play(world, SHOP, identity);
    expect(report.verdict).toBe('healthy');
    expect(identity.renewals()).toBe(1);
    expect(world.sim.requests.filter(({ status }) => status === 401).length).toBeGreaterThan(3);
    expect(log.join('\n')).not.toContain('lost sight');
    expect(log.filter((line) => line.includes('401'))).toEqual([
      expect.stringMatching(
        / the API server rejected the credentials \(401 Unauthorized\); obtained anew, they are accepted$/,
      ),
    ]);
  });

  test('are obtained anew as often as they expire', async () => {
    const world = aShop();
    const identity = renewable(world);
    for (const afterMs of [5 * SECOND, 15 * SECOND, 25 * SECOND]) world.clock.after(afterMs, identity.revoke);
    const { report } = await play(world, SHOP, identity);
    expect(report.verdict).toBe('healthy');
    expect(identity.renewals()).toBe(3);
  });

  test('end the run at once when those obtained anew are refused as well', async () => {
    const world = aShop();
    world.clock.after(10 * SECOND, () => {
      world.sim.api.tokens.revoke('gate-token');
      world.sim.api.watches.close();
    });
    const { report, elapsedMs } = await play(world, SHOP);
    expect(report.verdict).toBe('inconclusive');
    expect(report.reason).toMatch(
      /^(?:list|watch|get) .*: 401 Unauthorized, also with credentials obtained anew; renew the token/,
    );
    expect(elapsedMs).toBeLessThan(11 * SECOND);
  });

  function endingWith(behaviour: 'imageMissing' | 'neverReady'): Promise<Played> {
    const world = aShop();
    world.sim.cluster.deploy({ namespace: 'shop', name: 'api', behaviour: { kind: behaviour } });
    world.sim.warmUp(10 * SECOND);
    world.clock.after(40 * SECOND, () => {
      world.sim.api.tokens.revoke('gate-token');
      world.sim.api.watches.close();
    });
    return play(world, { ...SHOP, 'fail-fast': 'false' });
  }

  test('leave the run unhealthy by what was already fatal, and both are said', async () => {
    const { report } = await endingWith('imageMissing');
    expect(report.verdict).toBe('unhealthy');
    expect(report.reason).toMatch(/^shop\/api: .*; besides, .*401 Unauthorized/);
  });

  test('leave the run inconclusive by what was not', async () => {
    const { report } = await endingWith('neverReady');
    expect(report.verdict).toBe('inconclusive');
  });

  test('that cannot be had anew are asked for again until they can', async () => {
    const world = aShop();
    const identity = renewable(world);
    let refusals = 3;
    const renewCredentials = async (): Promise<void> => {
      refusals -= 1;
      if (refusals >= 0) throw NO_CREDENTIALS;
      await identity.renewCredentials?.();
    };
    world.clock.after(10 * SECOND, identity.revoke);
    const { report } = await play(world, SHOP, { ...identity, renewCredentials });
    expect(report.verdict).toBe('healthy');
  });

  test('that cannot be had anew until the deadline are what the reason names', async () => {
    const world = aShop();
    const identity = renewable(world);
    const renewCredentials = (): Promise<void> => Promise.reject(NO_CREDENTIALS);
    world.clock.after(10 * SECOND, identity.revoke);
    const { report, elapsedMs } = await play(world, SHOP, { ...identity, renewCredentials });
    expect(report.verdict).toBe('inconclusive');
    expect(report.reason).toMatch(
      /were last seen .* ago: .*: no credentials: exec plugin "gke-gcloud-auth-plugin" failed with exit code 1; log in again/,
    );
    expect(elapsedMs).toBe(3 * MINUTE);
  });
});

describe('credentials that are refused with the first request', () => {
  test('end the run at once, with what to do', async () => {
    const world = aShop();
    world.sim.api.tokens.revoke('gate-token');
    const { report, elapsedMs } = await play(world, SHOP);
    expect(report.verdict).toBe('inconclusive');
    expect(report.reason).toBe(
      'no contact with the API server https://simulator: get /version: 401 Unauthorized, also with credentials obtained anew; renew the token or client certificate of the kubeconfig, or log in again before this step',
    );
    expect(elapsedMs).toBe(0);
  });

  test('are obtained anew before: the ones of the kubeconfig may be old', async () => {
    const world = aShop();
    const identity = renewable(world);
    identity.revoke();
    const { report } = await play(world, SHOP, identity);
    expect(report.verdict).toBe('healthy');
    expect(identity.renewals()).toBe(1);
  });
});
