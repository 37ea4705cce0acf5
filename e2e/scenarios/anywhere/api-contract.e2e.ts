import { afterAll, beforeAll, describe, test } from '@jest/globals';
import { WIRE_CONTRACT, type WireCase } from '../../../__tests__/simulator/contract/wire.ts';
import type { ContractCase } from '../../../__tests__/simulator/contract/world.ts';
import { CONTRACT } from '../../../__tests__/simulator/contract.ts';
import { isOwn } from '../../cluster/state.ts';
import { makeRealWorld, type RealWorld } from '../../contract-world.ts';
import { type Cluster, connectCluster } from '../../harness.ts';

// Only an etcd of our own may be made to forget.
const own = isOwn(process.env.E2E_KUBECONFIG ?? '');
const CASES: readonly ContractCase[] = CONTRACT.filter(({ compacts = false }) => own || !compacts);
const WIRE_CASES: readonly WireCase[] = WIRE_CONTRACT;

describe('the real API server keeps the contract that the simulator is held to', () => {
  let cluster: Cluster;
  let world: RealWorld;

  beforeAll(async () => {
    cluster = await connectCluster();
    world = await makeRealWorld(cluster);
  });

  afterAll(async () => {
    await world?.remove();
    cluster.api.close();
  });

  test.each(CASES)('$name', async ({ run }) => await run(world));

  test.each(WIRE_CASES)('$name', async ({ run }) => await run(world));
});
