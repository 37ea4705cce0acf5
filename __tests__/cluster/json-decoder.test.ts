import { describe, expect, test } from '@jest/globals';
import fc from 'fast-check';
import { GarbledBody } from '../../src/cluster/body.ts';
import type { WatchEvent } from '../../src/cluster/decoder.ts';
import { createJsonDecoder } from '../../src/cluster/json-decoder.ts';
import { createLineSplitter } from '../../src/cluster/line-splitter.ts';
import { record, text } from '../../src/cluster/projection/raw.ts';

const decoder = createJsonDecoder<string>(
  'PodList',
  (raw) => text(record(raw.metadata).name) || null,
  () => 0,
);
const nothing = (): undefined => undefined;

function read(...chunks: readonly string[]): readonly WatchEvent<string>[] {
  const push = decoder.readWatch(nothing);
  return chunks.flatMap((chunk) => push(Buffer.from(chunk)));
}

const added = '{"type":"ADDED","object":{"metadata":{"name":"a","uid":"u","resourceVersion":"5"}}}\n';

describe('lines', () => {
  test('are the same however the bytes are cut into pieces, inside of characters too', () => {
    fc.assert(
      fc.property(
        fc.array(
          fc.string({ unit: 'grapheme', minLength: 1 }).filter((line) => !/[\n]/.test(line) && line.trim() !== ''),
        ),
        fc.infiniteStream(fc.integer({ min: 1, max: 9 })),
        (lines, sizes) => {
          const bytes = Buffer.from(lines.map((line) => `${line}\n`).join(''));
          const push = createLineSplitter(1_000_000);
          const found: string[] = [];
          for (let at = 0; at < bytes.byteLength; ) {
            const size = sizes.next().value;
            found.push(...push(bytes.subarray(at, at + size)));
            at += size;
          }
          expect(found).toEqual(lines);
        },
      ),
    );
  });

  test('that are longer than allowed are refused before they fill the memory', () => {
    const push = createLineSplitter(10);
    expect(push(Buffer.from('0123456789'))).toEqual([]);
    expect(() => push(Buffer.from('0'))).toThrow(GarbledBody);
  });

  test('that were cut off are never given', () => {
    expect(read(added, '{"type":"ADDED","obj')).toHaveLength(1);
  });
});

describe('what nobody asked for', () => {
  const inShop = createJsonDecoder<string>(
    'PodList',
    () => 'a pod',
    () => 0,
    'shop',
  );
  const pod = (more: object, metadata: object = {}): object => {
    return { ...more, metadata: { name: 'a', namespace: 'shop', uid: 'u', resourceVersion: '5', ...metadata } };
  };
  const told = (type: string, object: object): readonly WatchEvent<string>[] =>
    inShop.readWatch(nothing)(Buffer.from(`${JSON.stringify({ type, object })}\n`));
  const listed = (item: object): unknown =>
    inShop.decodePage(
      Buffer.from(JSON.stringify({ kind: 'PodList', metadata: { resourceVersion: '9' }, items: [item] })),
      nothing,
    );

  test.each(['ADDED', 'MODIFIED', 'DELETED', 'BOOKMARK'])(
    'is no event: %s of an object of another kind or namespace',
    (type) => {
      expect(told(type, pod({ kind: 'Pod' }))).toHaveLength(1);
      expect(() => told(type, pod({ kind: 'Event' }))).toThrow('an object is of kind Event and not Pod');
      expect(() => told(type, pod({}, { namespace: 'web' }))).toThrow(GarbledBody);
    },
  );

  test('is no list: pods of another namespace', () => {
    expect(listed(pod({}))).toMatchObject({ entries: [{ key: 'u' }] });
    expect(() => listed(pod({}, { namespace: 'web' }))).toThrow(
      'an object is of namespace web, which was not asked for',
    );
  });

  test('is not in a list of all namespaces', () => {
    expect(read(`${JSON.stringify({ type: 'ADDED', object: pod({}, { namespace: 'web' }) })}\n`)).toHaveLength(1);
  });
});

describe('a watch event', () => {
  test('puts, deletes, moves the version, or tells an error', () => {
    const status = { kind: 'Status', code: 410, reason: 'Expired', message: 'too old' };
    const events = read(
      added,
      added.replace('ADDED', 'MODIFIED'),
      added.replace('ADDED', 'DELETED'),
      '{"type":"BOOKMARK","object":{"metadata":{"resourceVersion":"9"}}}\n',
      `${JSON.stringify({ type: 'ERROR', object: status })}\n`,
    );
    expect(events).toEqual([
      { type: 'put', entry: { key: 'u', version: '5', item: 'a' } },
      { type: 'put', entry: { key: 'u', version: '5', item: 'a' } },
      { type: 'deleted', key: 'u', version: '5' },
      { type: 'bookmark', version: '9' },
      { type: 'error', status: expect.objectContaining({ code: 410, reason: 'Expired', message: 'too old' }) },
    ]);
  });

  test('of a type that is not known is ignored', () => {
    expect(read(added.replace('ADDED', 'RENAMED'), '\n')).toEqual([]);
  });

  test.each(['{"type":"ADDED"\n', 'null\n', '[]\n', '{"object":{}}\n', '{"type":"ADDED","object":null}\n'])(
    'is not what %j is',
    (line) => {
      expect(() => read(line)).toThrow(GarbledBody);
    },
  );
});

describe('a page', () => {
  const page = (metadata: object, items: unknown = []): Buffer =>
    Buffer.from(JSON.stringify({ kind: 'PodList', apiVersion: 'v1', metadata, items }));

  test('shows its continue token without being read', () => {
    expect(decoder.peekContinue(page({ resourceVersion: '1', continue: 'abc' }))).toBe('abc');
    expect(decoder.peekContinue(page({ resourceVersion: '1' }))).toBe('');
  });

  test('does not take an annotation of an object for its continue token', () => {
    const object = { metadata: { name: 'a', annotations: { note: '"continue":"evil"' } }, continue: 'evil' };
    expect(decoder.peekContinue(page({ resourceVersion: '1' }, [object]))).toBe('');
  });

  test('takes objects that are known in that version from the store', () => {
    const object = { metadata: { name: 'a', uid: 'u', resourceVersion: '5' } };
    const recall = (key: string, version: string): string | undefined =>
      key === 'u' && version === '5' ? 'known' : undefined;
    const { entries } = decoder.decodePage(page({ resourceVersion: '1' }, [object]), recall);
    expect(entries).toEqual([{ key: 'u', version: '5', item: 'known' }]);
  });

  test.each([
    '[]',
    '{}',
    '{"kind":"PodList","metadata":{}}',
    '{"kind":"PodList","metadata":{"resourceVersion":"1"}}',
    '{"kind":"PodList","metadata":{"resourceVersion":"1"},"items":{}}',
    '{"metadata":{"resourceVersion":"1"},"items":[]}',
    '{"kind":"JobList","metadata":{"resourceVersion":"1"},"items":[]}',
    '{"kind":"Table","metadata":{"resourceVersion":"1"},"rows":[]}',
    '{"metadata":',
    'null',
  ])('is not what %j is', (body) => {
    expect(() => decoder.decodePage(Buffer.from(body), nothing)).toThrow(GarbledBody);
  });

  test('may be empty in the way of Go', () => {
    expect(decoder.decodePage(page({ resourceVersion: '1' }, null), nothing).entries).toEqual([]);
  });
});
