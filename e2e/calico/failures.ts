import { makeCertificates } from '../../simulator/certificates.ts';
import type { DaemonSet } from '../../simulator/workload-objects.ts';
import { type Api, pathOf } from '../api.ts';
import { until } from '../cluster/waiting.ts';
import type { Cluster } from '../harness.ts';
import { CALICO_NODE, CLUSTER_INFORMATION, CNI_ACCOUNT } from './install.ts';

const KUBECONFIG = '/etc/cni/net.d/calico-kubeconfig';

/**
 * Replaces the token in a node's CNI kubeconfig by one that the API server rejects, from the first request on: a token
 * that is bound to an object is dead once that object is gone, which is what became of tokens bound to a calico-node pod.
 */
export async function killToken(cluster: Cluster, node: string): Promise<void> {
  const token = await deadToken(cluster, node);
  const file = await cluster.runOnNode(node, `cat ${KUBECONFIG}`);
  await writeKubeconfig(cluster, node, file.replace(/(?<=token: ).+/u, token));
}

/** A token of the plugin's account that no API server accepts. */
async function deadToken({ api, calicoNamespace }: Cluster, node: string): Promise<string> {
  const secrets = `/api/v1/namespaces/${calicoNamespace}/secrets`;
  const name = `gone-${node}`;
  await api.remove(`${secrets}/${name}`);
  const secret = { apiVersion: 'v1', kind: 'Secret', metadata: { name } };
  const { metadata } = await api.create<{ readonly metadata: { readonly uid: string } }>(secrets, secret);
  const boundTo = { kind: 'Secret', apiVersion: 'v1', name, uid: metadata.uid };
  const token = await mint(api, calicoNamespace, CNI_ACCOUNT, boundTo);
  await api.remove(`${secrets}/${name}`);
  return token;
}

async function mint(api: Api, namespace: string, account: string, boundObjectRef?: object): Promise<string> {
  const path = `/api/v1/namespaces/${namespace}/serviceaccounts/${account}/token`;
  const request = {
    apiVersion: 'authentication.k8s.io/v1',
    kind: 'TokenRequest',
    spec: { expirationSeconds: 86_400, boundObjectRef },
  };
  return (await api.create<{ readonly status: { readonly token: string } }>(path, request)).status.token;
}

async function writeKubeconfig(cluster: Cluster, node: string, content: string): Promise<void> {
  await cluster.runOnNode(node, `cat >${KUBECONFIG}`, content);
}

/**
 * Deletes and makes anew the account of the plugin: all nodes' tokens are rejected, though API servers cache that they
 * were good for 10 s more.
 */
export async function recreateAccount({ api, calicoNamespace }: Cluster): Promise<void> {
  const metadata = { name: CNI_ACCOUNT, namespace: calicoNamespace };
  const account = { apiVersion: 'v1', kind: 'ServiceAccount', metadata };
  await api.remove(pathOf(account));
  await api.apply(account);
}

/** Says whether Calico's datastore may be used; a migration locks it. */
export async function setDatastoreReady({ api }: Cluster, datastoreReady: boolean): Promise<void> {
  await api.apply({ ...CLUSTER_INFORMATION, spec: { datastoreReady } });
}

const OTHER_CONF = '/etc/cni/net.d/05-other.conflist';
const OTHER_KUBECONFIG = '/etc/cni/net.d/other-kubeconfig';

/**
 * Makes a node's runtime read another kubeconfig, with a dead token, than the one that `install-cni` writes: no restart
 * cures that.
 */
export async function readOtherKubeconfig(cluster: Cluster, node: string): Promise<void> {
  const token = await deadToken(cluster, node);
  const file = await cluster.runOnNode(node, `cat ${KUBECONFIG}`);
  await cluster.runOnNode(node, `cat >${OTHER_KUBECONFIG}`, file.replace(/(?<=token: ).+/u, token));
  const conf = '/etc/cni/net.d/10-calico.conflist';
  await cluster.runOnNode(node, `sed 's#${KUBECONFIG}#${OTHER_KUBECONFIG}#' ${conf} >${OTHER_CONF}`);
}

/** Makes it read the right one again. */
export async function readOwnKubeconfig(cluster: Cluster, node: string): Promise<void> {
  await cluster.runOnNode(node, `rm -f ${OTHER_CONF} ${OTHER_KUBECONFIG}`);
}

/** Points a node's CNI kubeconfig to a port where nobody listens. */
export async function refuseConnections(cluster: Cluster, node: string): Promise<void> {
  const file = await cluster.runOnNode(node, `cat ${KUBECONFIG}`);
  await writeKubeconfig(cluster, node, file.replace(/(?<=server: ).+/u, 'https://127.0.0.1:1'));
}

/** Gives a node's CNI kubeconfig the certificate of an authority that is not the API server's. */
export async function distrust(cluster: Cluster, node: string): Promise<void> {
  const { ca } = await makeCertificates({ authority: 'another-ca' });
  const authority = Buffer.from(ca).toString('base64');
  const file = await cluster.runOnNode(node, `cat ${KUBECONFIG}`);
  await writeKubeconfig(cluster, node, file.replace(/(?<=certificate-authority-data: ).+/u, authority));
}

/** Gives a node's CNI kubeconfig the good token of an account without any right: the 403 look-alike, on one node. */
export async function useOtherAccount(cluster: Cluster, node: string): Promise<void> {
  const token = await mint(cluster.api, cluster.calicoNamespace, 'default');
  const file = await cluster.runOnNode(node, `cat ${KUBECONFIG}`);
  await writeKubeconfig(cluster, node, file.replace(/(?<=token: ).+/u, token));
}

/** Takes away the file that calico-node writes when it starts; the plugin does nothing without it. */
export async function forgetNodename(cluster: Cluster, node: string): Promise<void> {
  await cluster.runOnNode(node, 'rm /var/lib/calico/nodename');
}

const ROLLED_OUT_WITHIN_MS = 120_000;

/** While this file is on a node, the stand-in for calico-node ends with an error whenever it starts there. */
export const CRASH = '/var/lib/calico/stand-in-crash';

const ITS_PROCESSES = `for each in /proc/[0-9]*; do
  if tr '\\0' ' ' <$each/cmdline | grep -q '^/stand-in calico-node'; then echo \${each#/proc/}; fi
done`;

/** Makes the stand-in for calico-node on a node end with an error, now and whenever it starts; only on our own cluster. */
export async function crashCalicoNode(cluster: Cluster, node: string): Promise<void> {
  await cluster.runOnNode(node, `touch ${CRASH}; kill $(${ITS_PROCESSES})`);
}

/** Lets it start again. */
export async function mendCalicoNode(cluster: Cluster, node: string): Promise<void> {
  await cluster.runOnNode(node, `rm -f ${CRASH}`);
}

/** Keeps calico-node from running on a node any more, and resolves when it is gone there and rolled out elsewhere. */
export async function keepCalicoNodeOff(cluster: Cluster, node: string): Promise<void> {
  const matchExpressions = [{ key: 'kubernetes.io/hostname', operator: 'NotIn', values: [node] }];
  const nodeSelectorTerms = [{ matchExpressions }];
  await setAffinity(cluster, {
    nodeAffinity: { requiredDuringSchedulingIgnoredDuringExecution: { nodeSelectorTerms } },
  });
}

/** Lets calico-node run on every node again. */
export async function letCalicoNodeRunEverywhere(cluster: Cluster): Promise<void> {
  await setAffinity(cluster, null);
}

async function setAffinity({ api, calicoNamespace }: Cluster, affinity: object | null): Promise<void> {
  const path = `/apis/apps/v1/namespaces/${calicoNamespace}/daemonsets/${CALICO_NODE}`;
  await api.patch(path, { spec: { template: { spec: { affinity } } } });
  await until({ what: 'the roll-out of calico-node', timeoutMs: ROLLED_OUT_WITHIN_MS }, async () => {
    const { metadata, status } = await api.get<DaemonSet>(path);
    const { desiredNumberScheduled: desired, currentNumberScheduled: present, numberAvailable = 0 } = status;
    const isSettled = status.observedGeneration === metadata.generation && status.numberMisscheduled === 0;
    return isSettled && present === desired && status.updatedNumberScheduled === desired && numberAvailable === desired;
  });
}
