import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import type { Snapshot } from '../objects/snapshot.ts';
import { SERVICE_ACCOUNT_FOLDER } from './kubeconfig-source.ts';

/** The pod that the gate itself runs in, as its environment tells it. */
export interface OwnPod {
  readonly name: string;
  /** null: no service account is mounted, which would tell. */
  readonly namespace: string | null;
}

/**
 * A runner in a cluster is hardly told its node, but its host's name is its pod's (kubelet `GeneratePodHostNameAndDomain`,
 * unless the pod asks for another). null: not in a pod of Kubernetes. Never rejects.
 */
export async function findOwnPod(
  env: Readonly<Record<string, string | undefined>>,
  serviceAccountFolder: string = SERVICE_ACCOUNT_FOLDER,
): Promise<OwnPod | null> {
  const name = env.HOSTNAME ?? '';
  if (name === '' || !env.KUBERNETES_SERVICE_HOST) return null;
  const namespace = await readFile(join(serviceAccountFolder, 'namespace'), 'utf8').catch(() => '');
  return { name, namespace: namespace.trim() || null };
}

/**
 * The node of `own`, where its pod was read: in scope, or as a witness on a node that has the failure. null: it was not, or
 * pods of several namespaces have its name and nothing tells them apart. The cluster that is looked at may be another than
 * the runner's: a name of a pod is hardly there twice.
 */
export function nodeOfOwnPod(
  own: OwnPod | null,
  { pods, witnesses }: Pick<Snapshot, 'pods' | 'witnesses'>,
): string | null {
  if (own === null) return null;
  const nodes = new Set<string | null>();
  for (const read of [pods, witnesses]) {
    for (const { name, namespace, nodeName } of read) {
      if (name === own.name && (own.namespace === null || namespace === own.namespace)) nodes.add(nodeName);
    }
  }
  const [only = null] = nodes;
  return nodes.size === 1 ? only : null;
}
