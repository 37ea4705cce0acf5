import { mkdtemp, rename, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { GATE_ACCOUNT, kubeconfigFile, type MortalToken, mortalToken } from '../../accounts.ts';
import type { KubeconfigUser } from '../../cluster/credentials.ts';
import { type GateRun, startGate } from '../../gate.ts';
import type { Cluster } from '../../harness.ts';

/** How a gate came by a token that was rejected in the middle of its run, and whether it could have another one. */
export type Holding = 'file' | 'stale file' | 'plugin';

/** Longer than a token that was used stays accepted: the gate's next requests are those that confirm its verdict. */
const STABLE_FOR = '18s';

/** Gates look at a namespace in which all is well, with tokens that end in the middle. */
export async function playDyingTokens(
  cluster: Cluster,
  namespace: string,
): Promise<Readonly<Record<Holding, GateRun & { readonly secrets: readonly string[] }>>> {
  const inputs = { namespaces: namespace, timeout: '2m', 'stable-for': STABLE_FOR };
  const play = async (usedBy: (file: string) => KubeconfigUser, write: Writer, isRenewed: boolean) => {
    const tokens = [await mortalToken(cluster, GATE_ACCOUNT), await mortalToken(cluster, GATE_ACCOUNT)] as const;
    const file = join(await mkdtemp(join(tmpdir(), 'token-')), 'token');
    await write(file, tokens[0]);
    const gate = startGate({ kubeconfig: await kubeconfigFile(cluster, GATE_ACCOUNT, usedBy(file)) }, inputs);
    await gate.said(/ all is ready; it has to stay so /);
    // As a kubelet does it: another file takes the old one's place.
    if (isRenewed) await write(`${file}.new`, tokens[1]).then(async () => await rename(`${file}.new`, file));
    await tokens[0].die();
    return { ...(await gate.ended), secrets: tokens.map(({ token }) => token) };
  };
  const [file, stale, plugin] = await Promise.all([
    play((tokenFile) => ({ tokenFile }), writeToken, true),
    play((tokenFile) => ({ tokenFile }), writeToken, false),
    play(pluginFor, writeExecCredential, true),
  ]);
  return { file, 'stale file': stale, plugin };
}

type Writer = (file: string, token: MortalToken) => Promise<void>;

const AUTHENTICATION = 'client.authentication.k8s.io/v1';

async function writeToken(file: string, { token }: MortalToken): Promise<void> {
  await writeFile(file, token);
}

async function writeExecCredential(file: string, { token }: MortalToken): Promise<void> {
  await writeFile(file, JSON.stringify({ apiVersion: AUTHENTICATION, kind: 'ExecCredential', status: { token } }));
}

function pluginFor(file: string): KubeconfigUser {
  return { exec: { apiVersion: AUTHENTICATION, interactiveMode: 'Never', command: 'cat', args: [file] } };
}
