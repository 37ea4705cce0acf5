import type { ApiRequest, Transport } from '../../../src/cluster/transport.ts';

/**
 * A server that the contract is tried on: with a namespace of at least four running pods that all have the label `app`,
 * made by at least two Deployments that are called as the label's values, and events about them.
 */
export interface ContractWorld {
  /** Of a user with all rights. */
  readonly transport: Transport;
  /** Of somebody who is known, and may do nothing in the namespace. */
  readonly powerless: { readonly transport: Transport; readonly user: string };
  /** With a token that nobody has given out. */
  readonly stranger: Transport;
  readonly namespace: string;
  /** A value of the label `app` that some but not all of the pods have. */
  readonly app: string;
  /** The name of a running pod of `app` that may be deleted; its controller makes another. It takes its time to end. */
  readonly victim: () => Promise<string>;
  /** Makes a pod that nobody looks after: it has no node, and a scheduling gate keeps it as it is. */
  readonly makePod: (name: string, metadata?: PodMetadata) => Promise<void>;
  /** Changes these parts of such a pod. */
  readonly changePod: (name: string, metadata: PodMetadata) => Promise<void>;
  /** A pod whose container has crashed at least once and is in nobody's way; `log`: all that it wrote each time. */
  readonly crashed: () => Promise<{
    readonly pod: string;
    readonly container: string;
    readonly log: readonly string[];
  }>;
  /** Makes the server forget all older versions; null where that cannot be done. */
  readonly compact: (() => Promise<void>) | null;
}

export interface PodMetadata {
  readonly labels?: Readonly<Record<string, string>>;
  readonly annotations?: Readonly<Record<string, string>>;
  /** Empty: none. */
  readonly finalizers?: readonly string[];
}

export interface ContractCase {
  readonly name: string;
  /** It passes real time: seconds. */
  readonly waits?: boolean;
  /** It needs `compact`. */
  readonly compacts?: boolean;
  /** Older servers than 1.x do not know it. */
  readonly sinceMinor?: number;
  readonly run: (world: ContractWorld) => Promise<void>;
}

export interface ObjectBody {
  readonly kind?: string;
  readonly apiVersion?: string;
  readonly metadata: {
    readonly name: string;
    readonly namespace?: string;
    readonly uid: string;
    readonly resourceVersion: string;
    readonly creationTimestamp: string;
    readonly labels?: Readonly<Record<string, string>>;
    readonly annotations?: Readonly<Record<string, string>>;
    readonly finalizers?: readonly string[];
    readonly deletionTimestamp?: string;
    readonly deletionGracePeriodSeconds?: number;
  };
  readonly spec?: { readonly nodeName?: string };
  readonly status?: { readonly phase?: string };
}

export interface ListBody {
  readonly kind: string;
  readonly apiVersion: string;
  readonly metadata: {
    readonly resourceVersion: string;
    readonly continue?: string;
    readonly remainingItemCount?: number;
  };
  readonly items: readonly ObjectBody[];
}

export interface StatusBody {
  readonly kind: string;
  readonly apiVersion: string;
  readonly status: string;
  readonly message: string;
  readonly reason: string;
  readonly code: number;
  readonly details?: Readonly<Record<string, unknown>>;
  readonly metadata: { readonly continue?: string };
}

export interface WatchLine {
  readonly type: string;
  readonly object: ObjectBody & StatusBody;
}

export interface Reply<T> {
  readonly status: number;
  readonly headers: Readonly<Record<string, string>>;
  readonly text: string;
  readonly body: T;
}

/** Reads an answer to its end. */
export async function ask<T>(transport: Transport, path: string, request: Partial<ApiRequest> = {}): Promise<Reply<T>> {
  const answer = await transport({ method: 'GET', path, signal: new AbortController().signal, ...request });
  const chunks: Uint8Array[] = [];
  for await (const chunk of answer.body) chunks.push(chunk);
  const text = Buffer.concat(chunks).toString('utf8');
  const isJson = (answer.headers['content-type'] ?? '').includes('json');
  return {
    status: answer.status,
    headers: answer.headers,
    text,
    body: (isJson && text !== '' ? parseOrUndefined(text) : undefined) as T,
  };
}

/** A watch has many lines. */
function parseOrUndefined(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}

/** Reads a watch until `enough` or its end, then gives it up. `onOpen`: what to do once the server has accepted it. */
export async function watchUntil(
  transport: Transport,
  path: string,
  enough: (lines: readonly WatchLine[]) => boolean = () => false,
  onOpen: () => Promise<void> = () => Promise.resolve(),
): Promise<readonly WatchLine[]> {
  const abort = new AbortController();
  const answer = await transport({ method: 'GET', path, signal: abort.signal });
  if (answer.status !== 200) throw new Error(`GET ${path} was answered ${answer.status}`);
  await onOpen();
  const lines: WatchLine[] = [];
  let rest = '';
  const decoder = new TextDecoder();
  for await (const chunk of answer.body) {
    rest += decoder.decode(chunk, { stream: true });
    const complete = rest.split('\n');
    rest = complete.pop() ?? '';
    lines.push(...complete.filter((line) => line !== '').map((line) => JSON.parse(line) as WatchLine));
    if (enough(lines)) break;
  }
  abort.abort();
  return lines;
}

export function podsOf({ namespace }: ContractWorld): string {
  return `/api/v1/namespaces/${namespace}/pods`;
}

export function eventsOf({ namespace }: ContractWorld): string {
  return `/api/v1/namespaces/${namespace}/events`;
}

export async function listPods(world: ContractWorld, query = ''): Promise<ListBody> {
  return (await ask<ListBody>(world.transport, `${podsOf(world)}${query}`)).body;
}

export function names(list: ListBody): readonly string[] {
  return list.items.map((item) => `${item.metadata.namespace}/${item.metadata.name}`);
}

/** DELETE of a pod of the namespace; `options` as they are sent. */
export async function remove<T>(world: ContractWorld, pod: string, options?: object): Promise<Reply<T>> {
  return await ask<T>(world.transport, `${podsOf(world)}/${pod}`, {
    method: 'DELETE',
    ...(options === undefined ? {} : { body: JSON.stringify(options) }),
  });
}

/** Removes a pod that nobody looks after, whatever keeps it. */
export async function dispose(world: ContractWorld, pod: string): Promise<void> {
  await world.changePod(pod, { finalizers: [] });
  await remove(world, pod, { gracePeriodSeconds: 0 });
}
