import { type KubeObject, keyOf } from '../objects.ts';
import { type Answer, statusAnswer, textAnswer } from './answer.ts';
import type { Matcher } from './field-selector.ts';
import type { Representation } from './representation.ts';
import { apiVersionOf, type Resource } from './resources.ts';
import { statusErrors } from './status-errors.ts';
import { itemText, partialText, type Store } from './store.ts';

/** What a list was asked for. */
export interface ListQuery {
  readonly resource: Resource;
  readonly namespace: string | undefined;
  readonly matches: Matcher;
  readonly hasSelector: boolean;
  readonly limit: number;
  readonly continueToken: string;
  readonly resourceVersion: string;
  readonly resourceVersionMatch: string;
  readonly representation: Representation;
}

/** Lists, paged over snapshots: every page of one list shows the cluster as it was at the first. */
export interface Lister {
  readonly list: (query: ListQuery) => Answer;
  /** Lets all continue tokens and old versions expire, as a compaction does. */
  readonly expire: () => void;
}

interface Snapshot {
  readonly atMs: number;
  readonly objects: readonly KubeObject[];
}

interface Token {
  readonly rv: number;
  readonly start: string;
}

/** A version of -1 in a token: continue with whatever is there now (apiserver `storage/continue.go`). */
const INCONSISTENT = -1;

function encodeToken(token: Token): string {
  return Buffer.from(JSON.stringify({ v: 'meta.k8s.io/v1', ...token })).toString('base64url');
}

function decodeToken(text: string): Token | undefined {
  try {
    const token = JSON.parse(Buffer.from(text, 'base64url').toString('utf8')) as { rv?: unknown; start?: unknown };
    return typeof token.rv === 'number' && typeof token.start === 'string'
      ? { rv: token.rv, start: token.start }
      : undefined;
  } catch {
    return undefined;
  }
}

/**
 * `keepMs`: how long a snapshot may be continued; a real server compacts every 5 minutes. `pageLimit`: most objects of a
 * page, whatever limit is asked for.
 */
export function createLister(
  store: Store,
  nowMs: () => number,
  keepMs: number,
  pageLimit = Number.POSITIVE_INFINITY,
): Lister {
  const snapshots = new Map<string, Snapshot>();

  const forgetOld = (): void => {
    for (const [key, snapshot] of snapshots) if (snapshot.atMs < nowMs() - keepMs) snapshots.delete(key);
  };

  const keep = (resource: Resource): Snapshot => {
    const key = `${resource.group}/${resource.plural}@${store.version()}`;
    const kept = snapshots.get(key) ?? { atMs: nowMs(), objects: store.list(resource) };
    snapshots.set(key, kept);
    return kept;
  };

  const print = (query: ListQuery, objects: readonly KubeObject[], version: number, start: string): Answer => {
    const texts: string[] = [];
    const prefix = query.namespace === undefined ? undefined : `${query.namespace}/`;
    const limit = Math.min(query.limit, pageLimit);
    let next = '';
    let remaining = 0;
    for (const object of objects) {
      const key = keyOf(object);
      if (key < start) continue;
      if (prefix !== undefined && !key.startsWith(prefix)) continue;
      if (query.hasSelector && !query.matches(object)) continue;
      if (limit > 0 && texts.length >= limit) {
        if (next === '') next = key;
        remaining += 1;
        continue;
      }
      texts.push(query.representation === 'metadata' ? partialText(object) : itemText(object));
    }
    if (next !== '') keep(query.resource);
    const metadata = {
      resourceVersion: String(version),
      ...(next === '' ? {} : { continue: encodeToken({ rv: version, start: next }) }),
      // The server cannot count what a selector would have taken.
      ...(next === '' || query.hasSelector ? {} : { remainingItemCount: remaining }),
    };
    const [kind, apiVersion] =
      query.representation === 'metadata'
        ? ['PartialObjectMetadata', 'meta.k8s.io/v1']
        : [query.resource.kind, apiVersionOf(query.resource)];
    const head = `{"kind":"${kind}List","apiVersion":"${apiVersion}","metadata":${JSON.stringify(metadata)},"items":[`;
    const parts = [head];
    // In parts of some hundred objects: one string of a large list would be slow to make and to encode.
    for (let index = 0; index < texts.length; index += 200) {
      const part = texts.slice(index, index + 200).join(',');
      parts.push(index === 0 ? part : `,${part}`);
    }
    parts.push(']}\n');
    return textAnswer(200, parts);
  };

  return {
    list: (query) => {
      forgetOld();
      const current = store.version();
      if (query.continueToken !== '') {
        const token = decodeToken(query.continueToken);
        if (!token)
          return statusAnswer(
            statusErrors.badRequest(
              'invalid continue token: continue key is not valid: illegal base64 data or unknown version',
            ),
          );
        if (query.resourceVersion !== '' && query.resourceVersion !== '0') {
          return statusAnswer(
            statusErrors.badRequest('specifying resource version is not allowed when using continue'),
          );
        }
        if (token.rv === INCONSISTENT) return print(query, store.list(query.resource), current, token.start);
        const key = `${query.resource.group}/${query.resource.plural}@${token.rv}`;
        const snapshot = snapshots.get(key);
        if (!snapshot)
          return statusAnswer(statusErrors.continueExpired(encodeToken({ rv: INCONSISTENT, start: token.start })));
        return print(query, snapshot.objects, token.rv, token.start);
      }
      const asked = Number(query.resourceVersion || '0');
      if (!Number.isInteger(asked) || asked < 0) {
        return statusAnswer(
          statusErrors.badRequest(
            `invalid resource version: resourceVersion: Invalid value: "${query.resourceVersion}": strconv.ParseUint: parsing "${query.resourceVersion}": invalid syntax`,
          ),
        );
      }
      if (asked > current) return statusAnswer(statusErrors.tooLargeVersion(asked, current));
      if (query.resourceVersionMatch === 'Exact' && asked < current) {
        const snapshot = snapshots.get(`${query.resource.group}/${query.resource.plural}@${asked}`);
        if (!snapshot) return statusAnswer(statusErrors.listExpired());
        return print(query, snapshot.objects, asked, '');
      }
      // The watch cache has what version 0 asks for, and does not page (`cacher.go`, shouldDelegateList).
      const isFromCache = query.resource.hasWatchCache && query.resourceVersion === '0';
      return print(isFromCache ? { ...query, limit: 0 } : query, store.list(query.resource), current, '');
    },
    expire: () => snapshots.clear(),
  };
}
