import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { connectApi } from '../api.ts';
import { API_PORT, CREDENTIAL_FILES, kubeconfigOf } from './credentials.ts';
import { controlPlaneAddress } from './network.ts';
import { inCluster } from './places.ts';
import { startDaemon } from './processes.ts';
import type { ClusterState } from './state.ts';
import { until } from './waiting.ts';

const ETCD_PORT = 2379;
const REGISTRY_PORT = 5000;
/** The controllers' own, by default. */
export const CONTROLLERS_PORT = 10_257;

/** The daemons without which nothing becomes ready. */
export const CONTROL_PLANE = ['etcd', 'kube-apiserver', 'kube-controller-manager', 'kube-scheduler'];

export const AUDIT_LOG = 'audit.log';

/** The accounts of `rbac/` and of scenarios that take rights from them. */
export const GATE_NAMESPACE = 'calico-health-gate';

/**
 * Every request of the gate and nobody else's, when it is answered: what it asked for can be read there, word for word. A
 * DELETE when it is received as well: what becomes of it may be that nobody answers any more.
 */
const AUDIT_POLICY = {
  apiVersion: 'audit.k8s.io/v1',
  kind: 'Policy',
  omitStages: ['ResponseStarted'],
  rules: [
    ...[{ users: ['calico-health-gate'] }, { userGroups: [`system:serviceaccounts:${GATE_NAMESPACE}`] }].flatMap(
      (who) => [
        { level: 'Metadata', verbs: ['delete'], ...who },
        { level: 'Metadata', omitStages: ['RequestReceived'], ...who },
      ],
    ),
    { level: 'None' },
  ],
};

/** Ready after 5 s on two idle cores. */
const START_TIMEOUT_MS = 120_000;

const POD_CIDR = '10.244.0.0/16';
const SERVICE_CIDR = '10.96.0.0/16';

/** Silence of a node for this long makes it NotReady; the usual 50 s would make for long tests. */
const NODE_GRACE = '16s';

/** Where pods find a registry that answers, and has no image. */
export function registryOf(subnet: string): string {
  return `${controlPlaneAddress(subnet)}:${REGISTRY_PORT}`;
}

/** Starts etcd, the API server, the controllers, the scheduler and an empty image registry; resolves when it answers. */
export async function startControlPlane(state: ClusterState, standIn: string): Promise<void> {
  startEtcd(state);
  startApiServer(state);
  startDaemon('registry', standIn, ['registry', `-listen=${registryOf(state.subnet)}`]);
  await apiServerReady();
  // Before that they may not do what they do first, and give up.
  startControllerManager(state);
  startScheduler(state);
}

function startEtcd({ binaries, subnet }: ClusterState): void {
  const url = etcdUrl(subnet);
  startDaemon('etcd', join(binaries, 'server'), [
    `--data-dir=${inCluster('etcd')}`,
    `--listen-client-urls=${url}`,
    `--advertise-client-urls=${url}`,
    `--listen-peer-urls=http://${controlPlaneAddress(subnet)}:${ETCD_PORT + 1}`,
    '--unsafe-no-fsync',
    '--log-level=warn',
  ]);
}

/** Starts the API server; also again, after `stopDaemon('kube-apiserver')`. */
export function startApiServer({ binaries, subnet }: ClusterState): void {
  mkdirSync(inCluster('certificates'), { recursive: true });
  writeFileSync(inCluster('audit-policy.json'), JSON.stringify(AUDIT_POLICY));
  const address = controlPlaneAddress(subnet);
  const serviceAccountKey = inCluster(CREDENTIAL_FILES.serviceAccountKey);
  startDaemon('kube-apiserver', join(binaries, 'kube-apiserver'), [
    `--etcd-servers=${etcdUrl(subnet)}`,
    `--bind-address=${address}`,
    `--advertise-address=${address}`,
    `--secure-port=${API_PORT}`,
    `--cert-dir=${inCluster('certificates')}`,
    `--tls-cert-file=${inCluster(CREDENTIAL_FILES.certificate)}`,
    `--tls-private-key-file=${inCluster(CREDENTIAL_FILES.key)}`,
    '--service-account-issuer=https://kubernetes.default.svc',
    `--service-account-key-file=${serviceAccountKey}`,
    `--service-account-signing-key-file=${serviceAccountKey}`,
    `--token-auth-file=${inCluster(CREDENTIAL_FILES.tokens)}`,
    '--authorization-mode=Node,RBAC',
    // For logs: no name of a node can be looked up.
    '--kubelet-preferred-address-types=InternalIP',
    '--allow-privileged=true',
    `--service-cluster-ip-range=${SERVICE_CIDR}`,
    '--endpoint-reconciler-type=none',
    `--audit-policy-file=${inCluster('audit-policy.json')}`,
    `--audit-log-path=${inCluster(AUDIT_LOG)}`,
    '--audit-log-mode=blocking',
  ]);
}

/** Resolves when the API server says that it is ready. */
export async function apiServerReady(): Promise<void> {
  const api = connectApi(kubeconfigOf('admin'));
  const waiting = { what: 'the API server', timeoutMs: START_TIMEOUT_MS, daemons: ['etcd', 'kube-apiserver'] };
  await until(waiting, async () => (await api.request('GET', '/readyz')).status === 200);
  api.close();
}

/** Starts the controllers; also again, after `stopDaemon('kube-controller-manager')`, with another patience for nodes. */
export function startControllerManager({ binaries, subnet }: ClusterState, nodeGrace = NODE_GRACE): void {
  startDaemon('kube-controller-manager', join(binaries, 'kube-controller-manager'), [
    ...sharedOptions(subnet),
    `--kubeconfig=${kubeconfigOf('kube-controller-manager')}`,
    `--cert-dir=${inCluster('certificates')}`,
    `--service-account-private-key-file=${inCluster(CREDENTIAL_FILES.serviceAccountKey)}`,
    `--root-ca-file=${inCluster(CREDENTIAL_FILES.ca)}`,
    '--use-service-account-credentials',
    '--allocate-node-cidrs=true',
    `--cluster-cidr=${POD_CIDR}`,
    `--flex-volume-plugin-dir=${inCluster('volume-plugins')}`,
    '--node-monitor-period=2s',
    `--node-monitor-grace-period=${nodeGrace}`,
    '--kube-api-qps=200',
    '--kube-api-burst=400',
  ]);
}

function startScheduler({ binaries, subnet }: ClusterState): void {
  startDaemon('kube-scheduler', join(binaries, 'kube-scheduler'), [
    ...sharedOptions(subnet),
    `--kubeconfig=${kubeconfigOf('kube-scheduler')}`,
    `--cert-dir=${inCluster('certificates')}`,
  ]);
}

function sharedOptions(subnet: string): readonly string[] {
  return ['--leader-elect=false', `--bind-address=${controlPlaneAddress(subnet)}`];
}

/** Where etcd listens: for clients of its own protocol, and as JSON over HTTP (`/v3/…`). */
export function etcdUrl(subnet: string): string {
  return `http://${controlPlaneAddress(subnet)}:${ETCD_PORT}`;
}
