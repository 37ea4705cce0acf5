import { GarbledBody, isRecord, parseJson, parseText, statusOf } from './body.ts';
import { capText } from './cap-text.ts';
import type { Decoder, Entry, Recall, WatchEvent } from './decoder.ts';
import { createLineSplitter } from './line-splitter.ts';
import type { Projection } from './projection/metadata.ts';
import { type Raw, record } from './projection/raw.ts';

/** Far more than etcd stores of one object (1.5 MB by default); a longer line is no event. */
const WATCH_LINE_LIMIT_BYTES = 32 * 1024 * 1024;
/** A list's metadata stands before its items; tokens are short, and base64 needs no escapes. */
const PEEK_BYTES = 4096;
/** No kind and no namespace is longer. */
const KIND_LIMIT_BYTES = 100;
const CONTINUE = /"continue":\s*"([^"\\]+)"/;

/**
 * Reads JSON. `listKind`: what lists must call themselves (`PodList`): a proxy's cache that answers with another list, or
 * a server with a Table, must not pass for an empty one. Nor may objects of other namespaces than the one that was asked
 * for (`namespace`; null: all), or of another kind, which come where answers are mixed up. `project` makes slim objects;
 * `now` gives the server's time of reading.
 */
export function createJsonDecoder<T>(
  listKind: string,
  project: Projection<T>,
  now: () => number,
  namespace: string | null = null,
): Decoder<T> {
  const wanted = listKind.replace(/List$/, '');
  const identify = (raw: Raw): Identity => {
    refuseStranger(raw, wanted, namespace);
    return identityOf(raw);
  };
  const entryOf = (raw: Raw, recall: Recall<T>): Entry<T> => {
    const { key, version } = identify(raw);
    return { key, version, item: recall(key, version) ?? project(raw, now()) };
  };

  return {
    accept: 'application/json',
    peekContinue: (body) => {
      const head = body.toString('latin1', 0, PEEK_BYTES);
      const metadata = head.slice(0, Math.max(0, head.indexOf('"items"')) || head.length);
      return CONTINUE.exec(metadata)?.[1] ?? '';
    },
    decodePage: (body, recall) => {
      const list = parseJson(body);
      if (!isRecord(list) || !isRecord(list.metadata)) throw new GarbledBody('the answer is JSON, but no list');
      if (list.kind !== listKind) {
        const kind = typeof list.kind === 'string' ? capText(list.kind, KIND_LIMIT_BYTES) : 'thing without a kind';
        throw new GarbledBody(`the answer is a ${kind} and no ${listKind}`);
      }
      const { resourceVersion, continue: continueToken } = list.metadata;
      // Null is Go's empty list.
      const items = list.items === null ? [] : list.items;
      if (typeof resourceVersion !== 'string' || !Array.isArray(items)) {
        throw new GarbledBody('the answer is a list without version or items');
      }
      return {
        entries: items.map((raw) => entryOf(record(raw), recall)),
        resourceVersion,
        continueToken: typeof continueToken === 'string' ? continueToken : '',
      };
    },
    readWatch: (recall) => {
      const linesOf = createLineSplitter(WATCH_LINE_LIMIT_BYTES);
      return (chunk) => linesOf(chunk).flatMap((line) => eventOf(line, identify, (raw) => entryOf(raw, recall)));
    },
  };
}

/** Throws for an object that nobody asked for. Items of a list carry no kind. */
function refuseStranger({ kind, metadata }: Raw, wanted: string, namespace: string | null): void {
  if (typeof kind === 'string' && kind !== wanted) {
    throw new GarbledBody(`an object is of kind ${capText(kind, KIND_LIMIT_BYTES)} and not ${wanted}`);
  }
  const own = record(metadata).namespace;
  if (namespace !== null && typeof own === 'string' && own !== namespace) {
    throw new GarbledBody(`an object is of namespace ${capText(own, KIND_LIMIT_BYTES)}, which was not asked for`);
  }
}

/** No event for types that this client does not know (KEP-956 asks clients to tolerate them). */
function eventOf<T>(
  line: string,
  identify: (raw: Raw) => Identity,
  entryOf: (raw: Raw) => Entry<T>,
): readonly WatchEvent<T>[] {
  const event = parseLine(line);
  if (!isRecord(event) || typeof event.type !== 'string' || !isRecord(event.object)) {
    throw new GarbledBody('a line of the watch is no event');
  }
  const { type, object } = event;
  switch (type) {
    case 'ADDED':
    case 'MODIFIED':
      return [{ type: 'put', entry: entryOf(object) }];
    case 'DELETED':
      return [{ type: 'deleted', ...identify(object) }];
    case 'BOOKMARK':
      return [{ type: 'bookmark', version: identify(object).version }];
    case 'ERROR':
      return [{ type: 'error', status: statusOf(object) }];
    default:
      return [];
  }
}

function parseLine(line: string): unknown {
  try {
    return parseText(line);
  } catch (cause) {
    throw new GarbledBody('a line of the watch is not JSON', { cause });
  }
}

interface Identity {
  /** The uid; an object without one (no API server sends such) goes by its name. */
  readonly key: string;
  readonly version: string;
}

function identityOf(raw: Raw): Identity {
  const { uid, namespace, name, resourceVersion } = record(raw.metadata);
  const key = typeof uid === 'string' && uid !== '' ? uid : `${String(namespace ?? '')}/${String(name ?? '')}`;
  return { key, version: typeof resourceVersion === 'string' ? resourceVersion : '' };
}
