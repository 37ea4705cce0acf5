import { etcdUrl } from './control-plane.ts';

interface EtcdHeader {
  readonly revision: string;
}

interface EtcdAnswers {
  readonly 'maintenance/status': { readonly header: EtcdHeader };
  readonly 'kv/compaction': { readonly header: EtcdHeader };
  readonly 'kv/range': { readonly kvs?: readonly { readonly value: string; readonly mod_revision: string }[] };
  readonly 'kv/txn': { readonly succeeded?: boolean };
}

/** etcd's own methods, as JSON over HTTP (`etcdserver/etcdserverpb/gw`). */
export async function askEtcd<Method extends keyof EtcdAnswers>(
  subnet: string,
  method: Method,
  body: object,
): Promise<EtcdAnswers[Method]> {
  const response = await fetch(`${etcdUrl(subnet)}/v3/${method}`, { method: 'POST', body: JSON.stringify(body) });
  if (!response.ok) throw new Error(`etcd answered ${method} with ${response.status}: ${await response.text()}`);
  return (await response.json()) as EtcdAnswers[Method];
}

/**
 * Puts the creation of a node further back, which no API server lets anybody do.
 * @param createdAt its `creationTimestamp` (RFC 3339)
 * @returns whether that was done: false when somebody else wrote the node meanwhile
 * @throws Error if that time is not found in what is stored
 */
export async function makeOlder(subnet: string, node: string, createdAt: string, byMs: number): Promise<boolean> {
  const key = Buffer.from(`/registry/minions/${node}`).toString('base64');
  const [stored] = (await askEtcd(subnet, 'kv/range', { key })).kvs ?? [];
  if (stored === undefined) throw new Error(`etcd has no node ${node}`);
  const seconds = Math.floor(Date.parse(createdAt) / 1_000);
  const value = replaceOnce(
    Buffer.from(stored.value, 'base64'),
    creationTimestamp(seconds),
    creationTimestamp(seconds - Math.floor(byMs / 1_000)),
  ).toString('base64');
  const { succeeded = false } = await askEtcd(subnet, 'kv/txn', {
    compare: [{ key, target: 'MOD', result: 'EQUAL', mod_revision: stored.mod_revision }],
    success: [{ requestPut: { key, value } }],
  });
  return succeeded;
}

/** `ObjectMeta.creationTimestamp` as protobuf: field 8, a Time of 8 bytes, its seconds in five of them and no nanos. */
function creationTimestamp(seconds: number): Buffer {
  return Buffer.from([0x42, 8, 0x08, ...varint(seconds), 0x10, 0]);
}

/** Base 128, the least first, all but the last with the highest bit set. */
function varint(number: number): readonly number[] {
  return number < 0x80 ? [number] : [(number % 0x80) + 0x80, ...varint(Math.floor(number / 0x80))];
}

function replaceOnce(bytes: Buffer, old: Buffer, by: Buffer): Buffer {
  const at = bytes.indexOf(old);
  if (at < 0 || bytes.indexOf(old, at + 1) >= 0 || old.length !== by.length) {
    throw new Error('what etcd has of a node does not hold the time of its creation once');
  }
  return Buffer.concat([bytes.subarray(0, at), by, bytes.subarray(at + old.length)]);
}
