import type { Transport } from '../src/cluster/transport.ts';
import { allowAll, createTokens, type Permissions, type Tokens } from './api/access.ts';
import { type Answer, jsonAnswer, statusAnswer, textAnswer } from './api/answer.ts';
import { parseDeleteOptions } from './api/delete-options.ts';
import { deleteObject } from './api/deletion.ts';
import { discovery } from './api/discovery.ts';
import { type Fault, withFault } from './api/faults.ts';
import { nameSelected, parseFieldSelector } from './api/field-selector.ts';
import { parseLabelSelector } from './api/label-selector.ts';
import { createLister } from './api/list.ts';
import { parseListOptions } from './api/list-options.ts';
import { type LogReader, logAnswer } from './api/logs.ts';
import { parsePath, type ResourcePath } from './api/path.ts';
import { negotiate } from './api/representation.ts';
import { createRequestLog, type LoggedRequest, type RequestSeen } from './api/request-log.ts';
import { isWatch, verbOf, wordsOf } from './api/request-words.ts';
import { BUILT_IN_RESOURCES, type Resource } from './api/resources.ts';
import { review, reviewOf } from './api/reviews.ts';
import { type AccessAttributes, statusErrors } from './api/status-errors.ts';
import { createStore, objectText, type Store } from './api/store.ts';
import { waited } from './api/wait.ts';
import { createWatcher, type WatchControl } from './api/watch.ts';
import type { KubeObject, Pod } from './objects.ts';
import type { Random } from './random.ts';
import type { WorldClock } from './world-clock.ts';

/** One request as it comes off the wire. */
export interface ServerRequest {
  readonly method: string;
  /** Absolute path with query. */
  readonly path: string;
  readonly authorization?: string | undefined;
  readonly accept?: string | undefined;
  readonly body?: string | undefined;
  readonly signal: AbortSignal;
}

export interface ApiServerOptions {
  readonly world: WorldClock;
  readonly random: Random;
  /** Further resources, beside the built-in ones. */
  readonly resources?: readonly Resource[];
  readonly permissions?: Permissions;
  /** Token → user. */
  readonly tokens?: Readonly<Record<string, string>>;
  /** What `/version` says; default `v1.34.4`. */
  readonly version?: string;
  /** How long old versions and continue tokens live; default 5 minutes, as etcd is compacted. */
  readonly historyMs?: number;
  /** How long each request takes over `transport`. Default 0: the answer is there at once. */
  readonly latencyMs?: number;
  /** Most objects of a page, whatever limit a list is asked with: few of them make many pages. Default: no such bound. */
  readonly pageLimit?: number;
}

/** An API server in memory. What it holds is changed through `store`, or by DELETE. */
export interface ApiServer {
  /** Answers one request. Rejects where a real client would see a broken connection. */
  readonly handle: (request: ServerRequest) => Promise<Answer>;
  /** The same as a `Transport`, with a bearer token. */
  readonly transport: (token: string) => Transport;
  readonly store: Store;
  readonly resources: readonly Resource[];
  /** The resource of a plural name; throws when it is not registered. */
  readonly resource: (plural: string) => Resource;
  readonly tokens: Tokens;
  readonly requests: readonly LoggedRequest[];
  readonly watches: WatchControl;
  /** Forgets old versions: continue tokens and watches from before get 410. */
  readonly compact: () => void;
  permissions: Permissions;
  /** Consulted before each request is handled; returns what goes wrong with it, if anything. */
  faults: (request: RequestSeen) => Fault | undefined;
  /** The log of a container, for `pods/log`; `undefined` where it has none. Set by the cluster. */
  readLog: LogReader;
}

const HISTORY_MS = 300_000;

/** A group that nobody serves has no paths at all; in one that is served, a Status says so. */
function unknownPath(path: string, resources: readonly Resource[]): Answer {
  const [, root = '', group = ''] = path.split('/');
  const isServed = root === 'api' || (root === 'apis' && resources.some((resource) => resource.group === group));
  return isServed
    ? statusAnswer(statusErrors.unknownResource())
    : textAnswer(404, '404 page not found\n', 'text/plain; charset=utf-8');
}

/** Creates the server; `world` dates its answers. */
export function createApiServer(options: ApiServerOptions): ApiServer {
  const { world, random } = options;
  const resources = [...BUILT_IN_RESOURCES, ...(options.resources ?? [])];
  const historyMs = options.historyMs ?? HISTORY_MS;
  const store = createStore(world.nowMs, historyMs);
  world.onShift(store.age);
  const lister = createLister(store, world.nowMs, historyMs, options.pageLimit);
  const watcher = createWatcher(store, world, random);
  const tokens = createTokens(options.tokens ?? {});
  const log = createRequestLog();

  const readCollection = (path: ResourcePath, query: URLSearchParams, request: ServerRequest): Answer => {
    const { resource, namespace } = path;
    const parsed = parseListOptions(query);
    if ('refused' in parsed) return statusAnswer(parsed.refused);
    const { watch } = parsed.options;
    const labelText = query.get('labelSelector') ?? '';
    const labels = parseLabelSelector(labelText);
    if ('refused' in labels) return statusAnswer(statusErrors.badRequest(labels.refused));
    const fieldText = query.get('fieldSelector') ?? '';
    const fields = parseFieldSelector(fieldText, resource);
    if ('refused' in fields) return statusAnswer(statusErrors.badRequest(fields.refused));
    const negotiated = negotiate(request.accept, { kind: resource.kind, scope: watch ? 'watch' : 'list' });
    if ('refused' in negotiated) return statusAnswer(negotiated.refused);
    const common = {
      ...parsed.options,
      ...negotiated,
      resource,
      namespace,
      matches: (object: KubeObject) => labels.matches(object) && fields.matches(object),
    };
    return watch
      ? watcher.watch({ ...common, signal: request.signal })
      : lister.list({ ...common, hasSelector: fieldText !== '' || labelText !== '' });
  };

  const readOne = ({ resource, namespace }: ResourcePath, name: string, accept: string | undefined): Answer => {
    const negotiated = negotiate(accept, { kind: resource.kind, scope: 'one' });
    if ('refused' in negotiated) return statusAnswer(negotiated.refused);
    const object = store.get(resource, namespace === undefined ? name : `${namespace}/${name}`);
    if (!object) return statusAnswer(statusErrors.notFound(resource, name));
    return textAnswer(200, `${objectText(resource, object, negotiated.representation)}\n`);
  };

  const remove = (path: ResourcePath, query: URLSearchParams, body: string | undefined): Answer => {
    const parsed = parseDeleteOptions(body, query);
    if ('refused' in parsed) return statusAnswer(parsed.refused);
    const key = path.namespace === undefined ? (path.name ?? '') : `${path.namespace}/${path.name}`;
    const result = deleteObject(store, path.resource, key, parsed.options, world.wallMs());
    if (result.outcome === 'refused') return statusAnswer(result.status);
    if (path.resource.kind !== 'Pod' && result.outcome === 'deleted') {
      return jsonAnswer(200, statusErrors.deleted(path.resource, result.object));
    }
    return textAnswer(200, `${objectText(path.resource, result.object)}\n`);
  };

  const readPodLog = ({ resource, namespace, name = '' }: ResourcePath, query: URLSearchParams): Answer => {
    const pod = store.get(resource, `${namespace}/${name}`);
    if (!pod) return statusAnswer(statusErrors.notFound(resource, name));
    return logAnswer(pod as Pod, query, server.readLog);
  };

  const route = (request: ServerRequest, user: string | undefined): Answer => {
    if (user === undefined) return statusAnswer(statusErrors.unauthorized());
    const url = new URL(request.path, 'https://simulator');
    const reviewed = reviewOf(url.pathname);
    if (reviewed !== undefined) {
      if (request.method !== 'POST') return statusAnswer(statusErrors.methodNotAllowed());
      return review(reviewed, request.body, { user, permissions: server.permissions, resources });
    }
    const fixed = discovery(url.pathname, resources, options.version ?? 'v1.34.4');
    if (fixed) return request.method === 'GET' ? fixed : statusAnswer(statusErrors.methodNotAllowed());
    const path = parsePath(url.pathname, resources);
    if (!path) return unknownPath(url.pathname, resources);
    const watch = isWatch(url.searchParams);
    // By its name, one object can be listed and watched like a collection.
    const name = path.name ?? nameSelected(url.searchParams.get('fieldSelector') ?? '');
    // A namespace lies in itself, as far as rights go (apiserver `request/requestinfo.go`).
    const namespace = path.resource.kind === 'Namespace' ? path.name : path.namespace;
    const asked: AccessAttributes = {
      user,
      verb: verbOf(request.method, path.name, watch),
      group: path.resource.group,
      resource: path.resource.plural,
      ...(path.subresource === undefined ? {} : { subresource: path.subresource }),
      ...(namespace === undefined ? {} : { namespace }),
      ...(name === undefined ? {} : { name }),
    };
    if (!server.permissions(asked)) return statusAnswer(statusErrors.forbidden(asked));
    if (request.method === 'DELETE' && path.name !== undefined && path.subresource === undefined)
      return remove(path, url.searchParams, request.body);
    if (request.method !== 'GET') return statusAnswer(statusErrors.methodNotAllowed());
    if (path.subresource === 'log') return readPodLog(path, url.searchParams);
    if (path.subresource !== undefined) return statusAnswer(statusErrors.unknownResource());
    if (path.name !== undefined) return readOne(path, path.name, request.accept);
    return readCollection(path, url.searchParams, request);
  };

  const handle = async (request: ServerRequest): Promise<Answer> => {
    request.signal.throwIfAborted();
    const user = tokens.userOf(request.authorization);
    const entry = log.add({
      atMs: world.nowMs(),
      at: new Date(world.wallMs()).toISOString(),
      method: request.method,
      path: request.path,
      ...wordsOf(request.method, request.path, resources),
      user,
      accept: request.accept,
      body: request.body,
    });
    const answer = await withFault(server.faults(entry), world, request.signal, () =>
      Promise.resolve(route(request, user)),
    );
    entry.status = answer.status;
    return {
      ...answer,
      headers: {
        'cache-control': 'no-cache, private',
        date: new Date(world.wallMs()).toUTCString(),
        ...answer.headers,
      },
    };
  };

  const server: ApiServer = {
    handle,
    transport: (token) => async (request) => {
      if (options.latencyMs) await waited(world, options.latencyMs, request.signal);
      return handle({
        method: request.method,
        path: request.path,
        authorization: `Bearer ${token}`,
        accept: request.accept,
        body: request.body,
        signal: request.signal,
      });
    },
    store,
    resources,
    resource: (plural) => {
      const found = resources.find((entry) => entry.plural === plural);
      if (!found)
        throw new Error(
          `the simulator has no resource "${plural}": register it with createSimulator({ resources: [...] })`,
        );
      return found;
    },
    tokens,
    requests: log.entries,
    watches: watcher.control,
    compact: () => {
      store.compact();
      lister.expire();
    },
    permissions: options.permissions ?? allowAll,
    faults: () => undefined,
    readLog: () => undefined,
  };
  return server;
}
