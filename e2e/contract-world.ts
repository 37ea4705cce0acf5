import { readFileSync } from 'node:fs';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { Agent, request as httpsRequest } from 'node:https';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { KubeConfig } from '@kubernetes/client-node/dist/config.js';
import type { WireReply, WireRequest, WireWorld } from '../__tests__/simulator/contract/wire.ts';
import type { PodMetadata } from '../__tests__/simulator/contract/world.ts';
import type { Pod } from '../simulator/objects.ts';
import { connect } from '../src/cluster/connection.ts';
import type { Transport } from '../src/cluster/transport.ts';
import type { Manifest } from './api.ts';
import { kubeconfig } from './cluster/credentials.ts';
import { until } from './cluster/waiting.ts';
import { compactEtcd } from './etcd.ts';
import { type Cluster, isReady, podsIn } from './harness.ts';
import { aDeployment, aPodSpec, leaveNamespace, makeNamespace } from './workloads.ts';

/** A real API server on which the contract can be tried, by the transport that the gate itself uses. */
export interface RealWorld extends WireWorld {
  /** Takes away what was made for it. */
  readonly remove: () => Promise<void>;
}

const NAMESPACE = 'contract';
const APP = 'web';
const CRASHING = 'crash';
const LOG = ['connecting to the database', 'cannot go on'];
const POWERFUL = 'powerful';
const POWERLESS = 'powerless';
const BINDING = 'calico-health-gate-e2e-contract';
const RBAC = 'rbac.authorization.k8s.io';
const BINDINGS = `/apis/${RBAC}/v1/clusterrolebindings`;
const PODS = `/api/v1/namespaces/${NAMESPACE}/pods`;

/** Authorizers learn of new bindings by a watch. */
const GRANTED_WITHIN_MS = 30_000;
const READY_WITHIN_MS = 120_000;

/** Makes namespace, pods and two accounts: one may do everything, the other nothing. */
export async function makeRealWorld(cluster: Cluster): Promise<RealWorld> {
  const { api } = cluster;
  await makeNamespace(cluster, NAMESPACE);
  // Longer than any case takes between one DELETE and the next.
  const pod = { container: { args: ['serve', '--drain=20s'] }, terminationGracePeriodSeconds: 30 };
  await api.apply(aDeployment({ name: APP, namespace: NAMESPACE, replicas: 3, pod }));
  await api.apply(aDeployment({ name: 'cart', namespace: NAMESPACE }));
  const crash = { args: ['crash', `--message=${LOG.join('\n')}`] };
  await api.apply(aDeployment({ name: CRASHING, namespace: NAMESPACE, pod: { container: crash } }));
  const ca = authority();
  const tokens = { [POWERFUL]: await tokenOf(cluster, POWERFUL), [POWERLESS]: await tokenOf(cluster, POWERLESS) };
  await grantEverything(cluster);
  await until({ what: 'the pods of the contract', timeoutMs: READY_WITHIN_MS }, async () => {
    const pods = await podsIn(cluster, NAMESPACE);
    return pods.filter((each) => each.metadata.labels?.app !== CRASHING && isReady(each)).length === 4;
  });

  const folder = await mkdtemp(join(tmpdir(), 'contract-'));
  const end = new AbortController();
  const transportOf = async (name: string, token: string): Promise<Transport> => {
    const file = join(folder, name);
    await writeFile(file, kubeconfig({ server: api.server, ca, name, user: { token } }), { mode: 0o600 });
    const connection = await connect({ kubeconfig: file, context: null, env: {} }, end.signal);
    end.signal.addEventListener('abort', connection.close);
    return connection.transport;
  };
  const agent = new Agent({ keepAlive: true, ca });
  return {
    transport: await transportOf(POWERFUL, tokens[POWERFUL] ?? ''),
    powerless: {
      transport: await transportOf(POWERLESS, tokens[POWERLESS] ?? ''),
      user: `system:serviceaccount:${NAMESPACE}:${POWERLESS}`,
    },
    stranger: await transportOf('stranger', 'no-such-token'),
    namespace: NAMESPACE,
    app: APP,
    victim: async () => await victimOf(cluster),
    crashed: async () => ({ pod: await crashedIn(cluster), container: 'app', log: LOG }),
    makePod: async (name, metadata = {}) => {
      await api.create(PODS, gated(name, metadata));
    },
    changePod: async (name, metadata) => {
      await api.patch(`${PODS}/${name}`, { metadata });
    },
    compact: cluster.own ? async () => await compactEtcd(cluster, NAMESPACE) : null,
    exchange: async ({ authorization = `Bearer ${tokens[POWERFUL]}`, ...request }) =>
      await exchange(new URL(request.path, api.server), agent, authorization, request),
    remove: async () => {
      end.abort();
      agent.destroy();
      await rm(folder, { recursive: true });
      await api.remove(`${BINDINGS}/${BINDING}`);
      // First the namespace, so that nobody makes pods anew for those that need not end in their own time.
      await api.remove(`/api/v1/namespaces/${NAMESPACE}`);
      for (const { metadata } of await podsIn(cluster, NAMESPACE)) {
        if (metadata.finalizers) await api.patch(`${PODS}/${metadata.name}`, { metadata: { finalizers: [] } });
        await api.remove(`${PODS}/${metadata.name}`, { gracePeriodSeconds: 0 });
      }
      await leaveNamespace(cluster, NAMESPACE);
    },
  };
}

/** The certificate of the API server's authority, in PEM. */
function authority(): string {
  const admin = new KubeConfig();
  admin.loadFromFile(process.env.E2E_KUBECONFIG ?? '');
  const { caData, caFile } = admin.getCurrentCluster() ?? {};
  return caFile === undefined ? Buffer.from(caData ?? '', 'base64').toString('utf8') : readFileSync(caFile, 'utf8');
}

async function tokenOf({ api }: Cluster, account: string): Promise<string> {
  const metadata = { name: account, namespace: NAMESPACE };
  await api.apply({ apiVersion: 'v1', kind: 'ServiceAccount', metadata });
  const path = `/api/v1/namespaces/${NAMESPACE}/serviceaccounts/${account}/token`;
  const request = { apiVersion: 'authentication.k8s.io/v1', kind: 'TokenRequest', spec: { expirationSeconds: 3_600 } };
  return (await api.create<{ readonly status: { readonly token: string } }>(path, request)).status.token;
}

async function grantEverything({ api }: Cluster): Promise<void> {
  await api.apply({
    apiVersion: `${RBAC}/v1`,
    kind: 'ClusterRoleBinding',
    metadata: { name: BINDING },
    roleRef: { apiGroup: RBAC, kind: 'ClusterRole', name: 'cluster-admin' },
    subjects: [{ kind: 'ServiceAccount', name: POWERFUL, namespace: NAMESPACE }],
  });
  const user = `system:serviceaccount:${NAMESPACE}:${POWERFUL}`;
  const review = {
    apiVersion: 'authorization.k8s.io/v1',
    kind: 'SubjectAccessReview',
    spec: { user, resourceAttributes: { verb: '*', group: '*', resource: '*' } },
  };
  await until({ what: `${POWERFUL} to be allowed everything`, timeoutMs: GRANTED_WITHIN_MS }, async () => {
    const path = '/apis/authorization.k8s.io/v1/subjectaccessreviews';
    return (await api.create<{ readonly status: { readonly allowed: boolean } }>(path, review)).status.allowed;
  });
}

function gated(name: string, metadata: PodMetadata): Manifest {
  return {
    apiVersion: 'v1',
    kind: 'Pod',
    metadata: { name, namespace: NAMESPACE, ...metadata },
    spec: aPodSpec({ schedulingGates: [{ name: 'example.com/gate' }] }),
  };
}

async function victimOf(cluster: Cluster): Promise<string> {
  const waiting = { what: `a Ready pod of ${APP}`, timeoutMs: READY_WITHIN_MS };
  return await until(waiting, async () => {
    const isVictim = (pod: Pod): boolean =>
      pod.metadata.labels?.app === APP && pod.metadata.deletionTimestamp === undefined && isReady(pod);
    return (await podsIn(cluster, NAMESPACE)).find(isVictim)?.metadata.name ?? null;
  });
}

/** Between two attempts: the log of the last one is not that of the next. */
async function crashedIn(cluster: Cluster): Promise<string> {
  const waiting = { what: `a pod of ${CRASHING} that waits to be started again`, timeoutMs: READY_WITHIN_MS };
  return await until(waiting, async () => {
    const crashed = (await podsIn(cluster, NAMESPACE)).find(
      ({ metadata, status }) =>
        metadata.labels?.app === CRASHING &&
        status.containerStatuses?.[0]?.state.waiting?.reason === 'CrashLoopBackOff' &&
        status.containerStatuses[0].restartCount > 0,
    );
    return crashed?.metadata.name ?? null;
  });
}

async function exchange(
  url: URL,
  agent: Agent,
  authorization: string | null,
  request: WireRequest,
): Promise<WireReply> {
  const { method = 'GET', body } = request;
  const headers = {
    ...(body === undefined ? {} : { 'content-type': 'application/json' }),
    ...request.headers,
    ...(authorization === null ? {} : { authorization }),
  };
  return await new Promise((resolve, reject) => {
    const sent = httpsRequest(url, { method, headers, agent }, (message) => {
      const pieces: Buffer[] = [];
      message.on('data', (piece: Buffer) => pieces.push(piece));
      message.on('error', reject);
      message.on('end', () =>
        resolve({
          status: message.statusCode ?? 0,
          headers: message.headers as Readonly<Record<string, string>>,
          bytes: Buffer.concat(pieces),
          wasConnected: sent.reusedSocket,
        }),
      );
    });
    sent.on('error', reject);
    sent.end(body);
  });
}
