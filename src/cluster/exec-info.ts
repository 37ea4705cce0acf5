import { readCertificateFile } from './certificate-file.ts';
import type { ExecPlugin, KubeconfigCluster } from './kubeconfig.ts';

/**
 * The text of `KUBERNETES_EXEC_INFO`: always that nobody is at a terminal, and the cluster where the kubeconfig's
 * `provideClusterInfo` says so, an authority from a file as data (client-go tools/auth/exec: ConfigToExecCluster). Rejects
 * with ConnectError when that file cannot be read.
 */
export async function execInfo(plugin: ExecPlugin, cluster: KubeconfigCluster): Promise<string> {
  const { apiVersion, provideClusterInfo } = plugin;
  const spec = { interactive: false, ...(provideClusterInfo ? { cluster: await clusterInfo(cluster) } : {}) };
  return JSON.stringify({ apiVersion, kind: 'ExecCredential', spec });
}

async function clusterInfo(cluster: KubeconfigCluster): Promise<object> {
  const { caFile } = cluster;
  const caData = cluster.caData ?? (caFile === null ? null : await readCertificateFile(caFile, 'kubeconfig'));
  return {
    server: cluster.server,
    ...(cluster.tlsServerName === null ? {} : { 'tls-server-name': cluster.tlsServerName }),
    ...(cluster.skipTlsVerify ? { 'insecure-skip-tls-verify': true } : {}),
    ...(caData === null ? {} : { 'certificate-authority-data': caData }),
    ...(cluster.proxyUrl === null ? {} : { 'proxy-url': cluster.proxyUrl }),
    ...(cluster.disableCompression ? { 'disable-compression': true } : {}),
    ...(cluster.execConfig === undefined ? {} : { config: cluster.execConfig }),
  };
}
