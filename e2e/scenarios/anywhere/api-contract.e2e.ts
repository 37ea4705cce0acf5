import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import { WIRE_CONTRACT, type WireCase } from '../../../__tests__/simulator/contract/wire.ts';
import type { ContractCase } from '../../../__tests__/simulator/contract/world.ts';
import { CONTRACT } from '../../../__tests__/simulator/contract.ts';
import { isOwn, readState } from '../../cluster/state.ts';
import { makeRealWorld, type RealWorld } from '../../contract-world.ts';
import { type Cluster, connectCluster } from '../../harness.ts';

// Only an etcd of our own may be made to forget.
const own = isOwn(process.env.E2E_KUBECONFIG ?? '');
const [, minor = '34'] = readState()?.kubernetes.split('.') ?? [];
const CASES: readonly ContractCase[] = CONTRACT.filter(
  ({ compacts = false, sinceMinor = 0 }) => (own || !compacts) && Number(minor) >= sinceMinor,
);
/** They mind nobody, and spend most of their time waiting: all at the same time. */
const WAITING = CASES.filter(({ waits = false }) => waits);
const WIRE_CASES: readonly WireCase[] = WIRE_CONTRACT;

describe('the real API server keeps the contract that the simulator is held to', () => {
  let cluster: Cluster;
  let world: RealWorld;
  const outcomes = new Map<string, PromiseSettledResult<void>>();

  beforeAll(async () => {
    cluster = await connectCluster();
    world = await makeRealWorld(cluster);
    const settled = await Promise.allSettled(WAITING.map(async ({ run }) => await run(world)));
    for (const [index, outcome] of settled.entries()) outcomes.set(WAITING[index]?.name ?? '', outcome);
  });

  afterAll(async () => {
    await world?.remove();
    cluster.api.close();
  });

  test.each(WAITING)('$name', ({ name }) => {
    const outcome = outcomes.get(name);
    if (outcome?.status === 'rejected') throw outcome.reason;
    expect(outcome?.status).toBe('fulfilled');
  });

  test.each(CASES.filter((each) => !WAITING.includes(each)))('$name', async ({ run }) => await run(world));

  test.each(WIRE_CASES)('$name', async ({ run }) => await run(world));
});
