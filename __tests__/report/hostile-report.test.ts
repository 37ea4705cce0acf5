import { describe, expect, test } from '@jest/globals';
import fc from 'fast-check';
import { ANNOTATIONS_PER_LEVEL, annotationsOf } from '../../src/report/annotations.ts';
import { outputsOf } from '../../src/report/outputs.ts';
import type { Report } from '../../src/report/report.ts';
import { SUMMARY_LIMIT_BYTES, summaryOf } from '../../src/report/summary.ts';
import { hostile, hostileReport } from './hostile.ts';
import { commandsIn } from './runner-grammar.ts';

/** What no reader should meet: control, format, invisible and unpaired characters. */
const UNSEEN = /[\p{Cc}\p{Cf}\p{Zl}\p{Zp}\p{Cs}\p{Co}\p{Default_Ignorable_Code_Point}]/u;

/** `report` with each of its texts replaced by a harmless one; the same text by the same one. */
function harmless(report: Report): Report {
  const known = new Map<string, string>();
  const replaced = (text: string): string => {
    if (text === '') return '';
    const word = known.get(text) ?? `word${known.size}`;
    known.set(text, word);
    return word;
  };
  const FIXED: ReadonlySet<string> = new Set(['verdict', 'stage', 'cause', 'action', 'outcome', 'problem', 'kind']);
  const TIMES = /^(?:at|since|startedAt|finishedAt|lastSeen|installedAt)$/u;
  const walk = (value: unknown, key: string): unknown => {
    if (typeof value === 'string') return FIXED.has(key) || TIMES.test(key) ? value : replaced(value);
    if (Array.isArray(value)) return value.map((element) => walk(element, key));
    if (value === null || typeof value !== 'object') return value;
    const isOwner = key === 'owner';
    return Object.fromEntries(
      Object.entries(value).map(([name, inner]) => [name, walk(inner, isOwner && name === 'kind' ? 'name' : name)]),
    );
  };
  return walk(report, '') as Report;
}

/** The part of Markdown and HTML that is structure, line by line: entities are text, and so is all inside a fence. */
function structureOf(summary: string): readonly string[] {
  let fence: string | null = null;
  return summary.split('\n').map((line) => {
    const isFence: boolean = fence === null ? /^`{3,}$/u.test(line) : line === fence;
    if (isFence) fence = fence === null ? line : null;
    if (isFence || fence !== null) return isFence ? 'fence' : 'inside';
    return line.replaceAll(/&#\d+;/gu, '').replaceAll(/[^|<>/#*_`[\]()!~\\&@:{}$^-]/gu, '');
  });
}

describe('the job summary of a report in which every text is hostile', () => {
  test('has the structure of one in which every text is a word', () => {
    fc.assert(
      fc.property(hostileReport, hostile, (report, file) => {
        const summary = summaryOf(report, file);
        const plain = summaryOf(harmless(report), file === '' ? '' : 'file');
        // What is cleaned to nothing has no <code> around it; all else must be there, and nothing besides.
        const withoutCode = (lines: readonly string[]): readonly string[] =>
          lines.map((line) => line.replaceAll(/<\/?>/gu, ''));
        expect(withoutCode(structureOf(summary))).toEqual(withoutCode(structureOf(plain)));
      }),
      { numRuns: 100 },
    );
  });

  test('has no tag but its own, no invisible character, and fits', () => {
    fc.assert(
      fc.property(hostileReport, (report) => {
        const summary = summaryOf(report, '/tmp/gate.json');
        for (const line of summary.split('\n')) expect(line).not.toMatch(UNSEEN);
        const outside = summary.replaceAll(/^(`{3,})\n[\s\S]*?\n\1$/gmu, '');
        const tags = outside.match(/<[^>]*>/gu) ?? [];
        expect(tags.filter((tag) => !/^<\/?(?:details|summary|code|sub|wbr|br)>$/u.test(tag))).toEqual([]);
        expect(Buffer.byteLength(summary)).toBeLessThanOrEqual(SUMMARY_LIMIT_BYTES);
      }),
      { numRuns: 100 },
    );
  });
});

describe('the annotations of a report in which every text is hostile', () => {
  test('are clean, on one line, and no more and no longer than a step shows', () => {
    fc.assert(
      fc.property(hostileReport, fc.array(hostile), fc.boolean(), (report, problems, fails) => {
        const annotations = annotationsOf(report, { fails, problems });
        for (const level of ['error', 'warning', 'notice'] as const) {
          expect(annotations.filter((one) => one.level === level).length).toBeLessThanOrEqual(ANNOTATIONS_PER_LEVEL);
        }
        for (const { title, message } of annotations) {
          expect(`${title}${message}`).not.toMatch(UNSEEN);
          expect(title.length).toBeLessThanOrEqual(255);
          expect(message.length).toBeLessThanOrEqual(4_096);
        }
      }),
      { numRuns: 100 },
    );
  });
});

describe('the outputs of a report in which every text is hostile', () => {
  test('hold lists that parse, in which nothing is a command or hidden', () => {
    fc.assert(
      fc.property(hostileReport, fc.array(hostile), fc.array(hostile), (report, pods, nodes) => {
        const outputs = outputsOf(report, pods, nodes, '');
        for (const name of ['not-ready-pods', 'affected-nodes', 'restarted-nodes'] as const) {
          expect(outputs[name]).not.toMatch(UNSEEN);
          expect(commandsIn(outputs[name])).toEqual([]);
          for (const shown of JSON.parse(outputs[name]) as readonly string[]) expect(shown).not.toMatch(UNSEEN);
        }
        expect(JSON.parse(outputs['restarted-nodes'])).toHaveLength(nodes.length);
      }),
      { numRuns: 100 },
    );
  });
});
