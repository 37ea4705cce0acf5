import { generateKeyPairSync, randomUUID } from 'node:crypto';
import { writeFileSync } from 'node:fs';
import { makeCertificates } from '../../simulator/certificates.ts';
import { controlPlaneAddress } from './network.ts';
import { inCluster } from './places.ts';

/** Users with a token of their own; the names are those that the API server's default roles are bound to. */
const USERS = {
  admin: { user: 'admin', groups: 'system:masters' },
  // Whoever runs the gate in a scenario, unless it says otherwise: its requests stand apart in the audit log.
  gate: { user: 'calico-health-gate', groups: 'system:masters' },
  'kube-controller-manager': { user: 'system:kube-controller-manager', groups: '' },
  'kube-scheduler': { user: 'system:kube-scheduler', groups: '' },
} as const;

/** Nodes that may ever join one cluster. */
const MOST_NODES = 9;

export const API_PORT = 6443;

/** The kubeconfig of a user (`admin`, `gate`, `kube-scheduler` …) or of a node, by its name. */
export function kubeconfigOf(user: string): string {
  return inCluster(`${user}.kubeconfig`);
}

/** Files that the API server is started with. */
export const CREDENTIAL_FILES = {
  ca: 'ca.crt',
  certificate: 'kube-apiserver.crt',
  key: 'kube-apiserver.key',
  serviceAccountKey: 'service-account.key',
  tokens: 'tokens.csv',
} as const;

/** Makes the authority, the API server's certificate, the key of service account tokens, and everybody's kubeconfig. */
export async function makeCredentials(subnet: string): Promise<void> {
  const address = controlPlaneAddress(subnet);
  const { ca, certificate, key } = await makeCertificates({ authority: 'e2e-ca', hosts: [address] });
  write(CREDENTIAL_FILES.ca, ca);
  write(CREDENTIAL_FILES.certificate, certificate);
  write(CREDENTIAL_FILES.key, key);
  makeServiceAccountKey();

  const nodes = Array.from({ length: MOST_NODES }, (_, index) => `n${index + 1}`);
  const users = [
    ...Object.entries(USERS).map(([name, { user, groups }]) => ({ name, user, groups })),
    ...nodes.map((name) => ({ name, user: `system:node:${name}`, groups: 'system:nodes' })),
  ];
  const rows = users.map(({ name, user, groups }) => {
    const token = randomUUID();
    const server = `https://${address}:${API_PORT}`;
    write(`${name}.kubeconfig`, kubeconfig({ server, ca, name: user, user: { token } }));
    return `${token},${user},${user},"${groups}"`;
  });
  write(CREDENTIAL_FILES.tokens, `${rows.join('\n')}\n`);
}

/** A new key for service account tokens: once the API server runs with it, no earlier token is accepted. */
export function makeServiceAccountKey(): void {
  const { privateKey } = generateKeyPairSync('rsa', {
    modulusLength: 2048,
    publicKeyEncoding: { type: 'spki', format: 'pem' },
    privateKeyEncoding: { type: 'pkcs1', format: 'pem' },
  });
  write(CREDENTIAL_FILES.serviceAccountKey, privateKey);
}

export interface KubeconfigContent {
  readonly server: string;
  /** PEM. */
  readonly ca: string;
  /** Of the user. */
  readonly name: string;
  readonly user: KubeconfigUser;
}

/** What a kubeconfig says of a user. */
export interface KubeconfigUser {
  readonly token?: string;
  readonly tokenFile?: string;
  readonly exec?: object;
}

/** A kubeconfig with one context, as JSON, which is YAML. */
export function kubeconfig({ server, ca, name, user }: KubeconfigContent): string {
  const cluster = { server, 'certificate-authority-data': Buffer.from(ca).toString('base64') };
  const content = {
    apiVersion: 'v1',
    kind: 'Config',
    clusters: [{ name: 'e2e', cluster }],
    users: [{ name, user }],
    contexts: [{ name: 'e2e', context: { cluster: 'e2e', user: name } }],
    'current-context': 'e2e',
  };
  return `${JSON.stringify(content, null, 2)}\n`;
}

function write(name: string, content: string): void {
  writeFileSync(inCluster(name), content, { mode: 0o600 });
}
