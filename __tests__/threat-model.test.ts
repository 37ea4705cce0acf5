/** A document that names tests rots when they are renamed: this one is held to them. */
import { existsSync, readFileSync } from 'node:fs';
import { describe, expect, test } from '@jest/globals';

const at = (path: string): URL => new URL(`../${path}`, import.meta.url);
const document = readFileSync(at('docs/threat-model.md'), 'utf8');

interface Invariant {
  readonly title: string;
  readonly holders: readonly { readonly title: string; readonly file: string }[];
}

const HOLDER = /^- \[(?<title>.+)\]\(\.\.\/(?<file>__tests__\/[\w/.-]+\.test\.ts)\)$/gmu;

const invariants: readonly Invariant[] = document
  .split(/^### (?=I\d+ )/mu)
  .slice(1)
  .map((section) => ({
    title: section.split('\n', 1)[0] ?? '',
    holders: [...section.matchAll(HOLDER)].map(({ groups = {} }) => ({
      title: groups.title ?? '',
      file: groups.file ?? '',
    })),
  }));

/** As GitHub makes the address of a heading. */
function anchorOf(heading: string): string {
  return heading
    .toLowerCase()
    .replaceAll(/[^\p{L}\p{N} _-]/gu, '')
    .replaceAll(' ', '-');
}

describe('the threat model', () => {
  test('numbers its invariants without a gap', () => {
    expect(invariants.length).toBeGreaterThan(10);
    expect(invariants.map(({ title }) => title.split(' ', 1)[0])).toEqual(
      invariants.map((_, index) => `I${index + 1}`),
    );
  });

  test.each(invariants)('$title: is held by tests that exist', ({ holders }) => {
    expect(holders.length).toBeGreaterThan(1);
    for (const { title, file } of holders) {
      expect({ file, isThere: existsSync(at(file)) }).toEqual({ file, isThere: true });
      const source = readFileSync(at(file), 'utf8');
      const quoted = ["'", '"', '`'].some((mark) => source.includes(`${mark}${title}${mark}`));
      // Titles of tables have more behind, or a placeholder in front.
      const inTable = new RegExp(
        `(?:%[sj]:?|\\$\\w+:?) ${literal(title)}|${literal(title)}(?:: %[sj]| \\(%s\\))`,
        'u',
      ).test(source);
      expect({ file, title, isThere: quoted || inTable }).toEqual({ file, title, isThere: true });
    }
  });

  test('has no line of tests that is written otherwise, and so not looked at', () => {
    const lines = document.split('\n').filter((line) => line.includes('](../__tests__/'));
    expect(lines).toHaveLength(invariants.flatMap(({ holders }) => holders).length);
  });

  test('leads from each actor to invariants that are there', () => {
    const anchors = new Set(invariants.map(({ title }) => anchorOf(title)));
    const links = [...document.matchAll(/\[I\d+\]\(#(?<anchor>[^)]+)\)/gu)].map(({ groups }) => groups?.anchor ?? '');
    expect(links.length).toBeGreaterThan(10);
    expect(links.filter((anchor) => !anchors.has(anchor))).toEqual([]);
  });

  test('names every file of attacks', () => {
    const named = new Set(invariants.flatMap(({ holders }) => holders.map(({ file }) => file)));
    for (const name of ['pods', 'events', 'texts', 'daemon-set', 'cure', 'bound']) {
      expect(named).toContain(`__tests__/scenarios/calico-forged-${name}.test.ts`);
    }
  });

  test('is where the README and SECURITY.md say', () => {
    for (const file of ['README.md', 'SECURITY.md']) {
      expect(readFileSync(at(file), 'utf8')).toContain('(docs/threat-model.md)');
    }
  });
});

function literal(text: string): string {
  return text.replaceAll(/[.*+?^${}()|[\]\\]/gu, String.raw`\$&`);
}
