import { writeFileSync } from 'node:fs';
import { networkInterfaces } from 'node:os';
import { run } from './processes.ts';
import { isMounted, makeMountPoint, NAMESPACES, recordTrace } from './traces.ts';

/** The bridge that joins the nodes; it exists on this machine alone, and nothing routes from it to another network. */
const BRIDGE = 'chg0';

/** What `192.168.88.1` begins with, unless `E2E_SUBNET` says otherwise. */
export const DEFAULT_SUBNET = '192.168.88';

/** The address of the control plane on the bridge. */
export function controlPlaneAddress(subnet: string): string {
  return `${subnet}.1`;
}

/** The address of the node with this number, from 1. */
export function nodeAddress(subnet: string, number: number): string {
  return `${subnet}.${10 + number}`;
}

export function networkNamespace(node: string): string {
  return `chg-${node}`;
}

/** An interface of this machine that is already in the subnet; null if the subnet is free. */
export function takenBy(subnet: string): string | null {
  for (const [name, addresses] of Object.entries(networkInterfaces())) {
    if (name !== BRIDGE && addresses?.some(({ address }) => address.startsWith(`${subnet}.`))) return name;
  }
  return null;
}

export async function makeBridge(subnet: string): Promise<void> {
  // The first `ip netns add` of a machine mounts this folder on itself.
  if (!isMounted(NAMESPACES)) {
    makeMountPoint(NAMESPACES);
    recordTrace({ kind: 'mount', name: NAMESPACES });
  }
  recordTrace({ kind: 'link', name: BRIDGE });
  await run('ip', ['link', 'add', BRIDGE, 'type', 'bridge']);
  // Whatever a pod sends from its own address is dropped here instead of being answered through another network.
  writeFileSync(`/proc/sys/net/ipv4/conf/${BRIDGE}/rp_filter`, '1');
  await run('ip', ['address', 'add', `${controlPlaneAddress(subnet)}/24`, 'dev', BRIDGE]);
  await run('ip', ['link', 'set', BRIDGE, 'up']);
}

/** A network namespace for a node, with one interface that is plugged into the bridge. */
export async function plugIn(node: string, subnet: string, number: number): Promise<void> {
  const namespace = networkNamespace(node);
  recordTrace({ kind: 'network-namespace', name: namespace });
  await run('ip', ['netns', 'add', namespace]);
  recordTrace({ kind: 'link', name: namespace });
  await run('ip', ['link', 'add', namespace, 'type', 'veth', 'peer', 'name', 'eth0', 'netns', namespace]);
  await run('ip', ['link', 'set', namespace, 'master', BRIDGE, 'up']);
  const address = `${nodeAddress(subnet, number)}/24`;
  await run('ip', ['-n', namespace, 'address', 'add', address, 'dev', 'eth0']);
  await run('ip', ['-n', namespace, 'link', 'set', 'eth0', 'up']);
  await run('ip', ['-n', namespace, 'link', 'set', 'lo', 'up']);
}
