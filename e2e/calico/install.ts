import { connectApi, type Manifest } from '../api.ts';
import { STAND_IN_IMAGE } from '../cluster/images.ts';
import { until } from '../cluster/waiting.ts';

export const CALICO_NAMESPACE = 'calico-system';
export const CNI_ACCOUNT = 'calico-cni-plugin';
export const CALICO_NODE = 'calico-node';

const GROUP = 'crd.projectcalico.org';

/** What the plugin asks for first. */
export const CLUSTER_INFORMATION: Manifest = {
  apiVersion: `${GROUP}/v1`,
  kind: 'ClusterInformation',
  metadata: { name: 'default' },
  spec: { datastoreReady: true },
};

const SERVED_WITHIN_MS = 30_000;

/** Installs Calico's stand-in, shaped as `calico.yaml` and the operator's manifests are. */
export async function installCalico(kubeconfig: string): Promise<void> {
  const api = connectApi(kubeconfig);
  const { hostname, port } = new URL(api.server);
  for (const manifest of manifests({ host: hostname, port: port || '443' })) await api.apply(manifest);
  // A definition takes a moment until its resources are served.
  const waiting = { what: `${GROUP} to be served`, timeoutMs: SERVED_WITHIN_MS };
  await until(waiting, async () => {
    await api.apply(CLUSTER_INFORMATION);
    return true;
  });
  api.close();
}

interface ApiServerAddress {
  readonly host: string;
  readonly port: string;
}

function manifests(server: ApiServerAddress): readonly Manifest[] {
  const metadata = { namespace: CALICO_NAMESPACE };
  return [
    clusterInformationDefinition(),
    { apiVersion: 'v1', kind: 'Namespace', metadata: { name: CALICO_NAMESPACE } },
    { apiVersion: 'v1', kind: 'ServiceAccount', metadata: { ...metadata, name: CALICO_NODE } },
    { apiVersion: 'v1', kind: 'ServiceAccount', metadata: { ...metadata, name: CNI_ACCOUNT } },
    clusterRole(CALICO_NODE, [
      { apiGroups: [''], resources: ['serviceaccounts/token'], resourceNames: [CNI_ACCOUNT], verbs: ['create'] },
      { apiGroups: [''], resources: ['pods', 'nodes', 'namespaces'], verbs: ['get', 'list', 'watch'] },
    ]),
    clusterRole(CNI_ACCOUNT, [
      { apiGroups: [''], resources: ['pods', 'nodes', 'namespaces'], verbs: ['get'] },
      { apiGroups: [''], resources: ['pods/status'], verbs: ['patch'] },
      { apiGroups: [GROUP], resources: ['clusterinformations'], verbs: ['get', 'list'] },
    ]),
    clusterRoleBinding(CALICO_NODE),
    clusterRoleBinding(CNI_ACCOUNT),
    daemonSet(server),
  ];
}

function clusterInformationDefinition(): Manifest {
  const schema = { openAPIV3Schema: { type: 'object', 'x-kubernetes-preserve-unknown-fields': true } };
  return {
    apiVersion: 'apiextensions.k8s.io/v1',
    kind: 'CustomResourceDefinition',
    metadata: { name: `clusterinformations.${GROUP}` },
    spec: {
      group: GROUP,
      scope: 'Cluster',
      names: {
        kind: 'ClusterInformation',
        listKind: 'ClusterInformationList',
        plural: 'clusterinformations',
        singular: 'clusterinformation',
      },
      versions: [{ name: 'v1', served: true, storage: true, schema }],
    },
  };
}

function clusterRole(name: string, rules: readonly object[]): Manifest {
  return { apiVersion: 'rbac.authorization.k8s.io/v1', kind: 'ClusterRole', metadata: { name }, rules };
}

function clusterRoleBinding(name: string): Manifest {
  return {
    apiVersion: 'rbac.authorization.k8s.io/v1',
    kind: 'ClusterRoleBinding',
    metadata: { name },
    roleRef: { apiGroup: 'rbac.authorization.k8s.io', kind: 'ClusterRole', name },
    subjects: [{ kind: 'ServiceAccount', name, namespace: CALICO_NAMESPACE }],
  };
}

/** `__…__` are filled in by the installer, as Calico's does it. */
const CNI_NETWORK_CONFIG = {
  name: 'k8s-pod-network',
  cniVersion: '0.3.1',
  plugins: [
    {
      type: 'calico',
      datastore_type: 'kubernetes',
      nodename: '__KUBERNETES_NODE_NAME__',
      ipam: { type: 'host-local', subnet: 'usePodCidr' },
      kubernetes: { kubeconfig: '__KUBECONFIG_FILEPATH__' },
    },
  ],
};

function daemonSet({ host, port }: ApiServerAddress): Manifest {
  const labels = { 'k8s-app': CALICO_NODE };
  const image = { image: STAND_IN_IMAGE, imagePullPolicy: 'Never' };
  const nodeName = { valueFrom: { fieldRef: { fieldPath: 'spec.nodeName' } } };
  const installer = {
    ...image,
    name: 'install-cni',
    args: ['install-cni'],
    env: [
      // Nothing routes Services here: the API server is called by its own address.
      { name: 'KUBERNETES_SERVICE_HOST', value: host },
      { name: 'KUBERNETES_SERVICE_PORT', value: port },
      { name: 'KUBERNETES_NODE_NAME', ...nodeName },
      { name: 'SLEEP', value: 'false' },
      { name: 'CNI_CONF_NAME', value: '10-calico.conflist' },
      { name: 'CNI_NET_DIR', value: '/etc/cni/net.d' },
      { name: 'CNI_NETWORK_CONFIG', value: JSON.stringify(CNI_NETWORK_CONFIG) },
    ],
    volumeMounts: [
      { name: 'cni-bin-dir', mountPath: '/host/opt/cni/bin' },
      { name: 'cni-net-dir', mountPath: '/host/etc/cni/net.d' },
    ],
  };
  const calicoNode = {
    ...image,
    name: CALICO_NODE,
    args: ['calico-node'],
    env: [{ name: 'NODENAME', ...nodeName }],
    volumeMounts: [{ name: 'var-lib-calico', mountPath: '/var/lib/calico' }],
  };
  return {
    apiVersion: 'apps/v1',
    kind: 'DaemonSet',
    metadata: { name: CALICO_NODE, namespace: CALICO_NAMESPACE, labels },
    spec: {
      selector: { matchLabels: labels },
      template: {
        metadata: { labels },
        spec: {
          serviceAccountName: CALICO_NODE,
          hostNetwork: true,
          priorityClassName: 'system-node-critical',
          terminationGracePeriodSeconds: 0,
          tolerations: [{ operator: 'Exists' }],
          initContainers: [installer],
          containers: [calicoNode],
          volumes: [
            { name: 'cni-bin-dir', hostPath: { path: '/opt/cni/bin', type: 'DirectoryOrCreate' } },
            { name: 'cni-net-dir', hostPath: { path: '/etc/cni/net.d' } },
            { name: 'var-lib-calico', hostPath: { path: '/var/lib/calico', type: 'DirectoryOrCreate' } },
          ],
        },
      },
    },
  };
}
