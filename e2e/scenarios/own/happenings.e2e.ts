import { afterAll, beforeAll, describe, test } from '@jest/globals';
import { HAPPENINGS } from '../../../__tests__/simulator/happenings/checks.ts';
import { type Story, tellStory } from '../../../__tests__/simulator/happenings/story.ts';
import { connect } from '../../../src/cluster/connection.ts';
import { restartEverywhere } from '../../calico/calico-node.ts';
import { killToken } from '../../calico/failures.ts';
import { until } from '../../cluster/waiting.ts';
import { type Cluster, connectCluster } from '../../harness.ts';
import { aDeployment, allReady, leaveNamespace, makeNamespace, roll } from '../../workloads.ts';

const NAMESPACE = 'happenings';
const WITHIN_MS = 150_000;

describe('a token that dies and is replaced, as the simulator plays it', () => {
  let cluster: Cluster;
  let story: Story;
  const end = new AbortController();

  beforeAll(async () => {
    cluster = await connectCluster();
    const { kubeconfig, calicoNamespace } = cluster;
    const node = cluster.nodes.at(-1) ?? '';
    await makeNamespace(cluster, NAMESPACE);
    const connection = await connect({ kubeconfig, context: null, env: {} }, end.signal);
    end.signal.addEventListener('abort', connection.close);
    story = await tellStory({
      ...{ transport: connection.transport, namespace: NAMESPACE, calicoNamespace, node },
      deploy: async () => {
        await cluster.api.apply(
          aDeployment({ name: 'web', namespace: NAMESPACE, replicas: 4, pod: { nodes: [node] } }),
        );
        await allReady(cluster, NAMESPACE, 4);
      },
      breakToken: async () => await killToken(cluster, node),
      roll: async () => await roll(cluster, 'deployments', NAMESPACE, 'web'),
      until: async (what, isSo) => {
        await until({ what, timeoutMs: WITHIN_MS, everyMs: 500 }, isSo);
      },
    });
  });

  afterAll(async () => {
    end.abort();
    await restartEverywhere(cluster);
    await leaveNamespace(cluster, NAMESPACE);
    cluster.api.close();
  });

  test.each(HAPPENINGS)('$name', ({ check }) => check(story));
});
