import { describe, expect, test } from '@jest/globals';
import fc from 'fast-check';
import { formatSelector, matchesSelector, parseSelector, type Requirement, type Selector } from '../src/selector.ts';
import { LABEL_SELECTORS } from './simulator/contract/selectors.ts';

function selectorOf(text: string): Selector {
  const parsed = parseSelector(text);
  if ('problem' in parsed) throw new Error(`${text}: ${parsed.problem}`);
  return parsed.selector;
}

describe('parseSelector', () => {
  test.each<[string, Selector]>([
    ['app=shop', [{ key: 'app', operator: 'in', values: ['shop'] }]],
    ['app==shop', [{ key: 'app', operator: 'in', values: ['shop'] }]],
    ['app = shop', [{ key: 'app', operator: 'in', values: ['shop'] }]],
    ['app!=shop', [{ key: 'app', operator: 'notin', values: ['shop'] }]],
    ['app=', [{ key: 'app', operator: 'in', values: [''] }]],
    ['app', [{ key: 'app', operator: 'exists' }]],
    ['!app', [{ key: 'app', operator: 'absent' }]],
    ['! app', [{ key: 'app', operator: 'absent' }]],
    ['env in (dev,prod)', [{ key: 'env', operator: 'in', values: ['dev', 'prod'] }]],
    ['env in(dev)', [{ key: 'env', operator: 'in', values: ['dev'] }]],
    ['env notin ( dev , prod )', [{ key: 'env', operator: 'notin', values: ['dev', 'prod'] }]],
    ['env in (dev,dev)', [{ key: 'env', operator: 'in', values: ['dev'] }]],
    ['env in (,dev)', [{ key: 'env', operator: 'in', values: ['', 'dev'] }]],
    ['in in (in,notin)', [{ key: 'in', operator: 'in', values: ['in', 'notin'] }]],
    ['notin=in', [{ key: 'notin', operator: 'in', values: ['in'] }]],
    ['app.kubernetes.io/name=shop', [{ key: 'app.kubernetes.io/name', operator: 'in', values: ['shop'] }]],
    [
      'app=shop,\n env in (dev,prod), !canary ,tier',
      [
        { key: 'app', operator: 'in', values: ['shop'] },
        { key: 'env', operator: 'in', values: ['dev', 'prod'] },
        { key: 'canary', operator: 'absent' },
        { key: 'tier', operator: 'exists' },
      ],
    ],
  ])('reads %j', (text, selector) => {
    expect(parseSelector(text)).toEqual({ selector });
  });

  test.each([
    ['=shop', '"=shop" is no requirement'],
    ['app=shop,', 'a requirement is missing beside a comma'],
    [',app=shop', 'a requirement is missing beside a comma'],
    ['a,,b', 'a requirement is missing beside a comma'],
    ['app shop', '"app shop" is no requirement'],
    ['app=a b', '"app=a b" is no requirement'],
    ['app===shop', '"app===shop" is no requirement'],
    ['app! =shop', '"app! =shop" is no requirement'],
    ['!app=shop', '"!app=shop" is no requirement'],
    ['!!app', '"!!app" is no requirement'],
    ['!', '"!" is no requirement'],
    ['env in ()', '"env in ()" has no value between its brackets'],
    ['env in (dev', '"env in (dev" is no requirement'],
    ['env in dev', '"env in dev" is no requirement'],
    ['env in (a (b))', '"env in (a (b))" is no requirement'],
    ['env in (a b)', '"a b" is no label value'],
    ['a,b)', '"a,b)" is no requirement'],
    ['replicas>5', '"replicas>5" is no requirement'],
    ['app=-shop', '"-shop" is no label value'],
    ['app=a/b', '"a/b" is no label value'],
    [`app=${'x'.repeat(64)}`, `"${'x'.repeat(64)}" is no label value`],
    ['Bad_Prefix/app=shop', '"Bad_Prefix/app" is no label key'],
    ['a/b/c', '"a/b/c" is no label key'],
    ['{{ inputs.app }}', '"{{ inputs.app }}" is no requirement'],
  ])('says what is wrong with %j', (text, problem) => {
    expect(parseSelector(text)).toEqual({ problem });
  });

  test('answers to every text without throwing', () => {
    const likely = fc.string({
      unit: fc.constantFrom('a', 'in', 'notin', ' ', '(', ')', ',', '=', '!', '<', '/', '-'),
    });
    fc.assert(
      fc.property(fc.oneof(fc.string({ unit: 'binary' }), likely), (text) => {
        const parsed = parseSelector(text);
        expect('selector' in parsed ? parsed.selector.length : parsed.problem.length).toBeGreaterThan(0);
      }),
    );
  });
});

const anyName = fc.stringMatching(/^[A-Za-z0-9]([A-Za-z0-9_.-]{0,10}[A-Za-z0-9])?$/);
const anyValue = fc.oneof(fc.constant(''), anyName);
const anyKey = fc.oneof(
  anyName,
  fc.constantFrom('in', 'notin'),
  anyName.map((name) => `example.com/${name}`),
);
const anyRequirement: fc.Arbitrary<Requirement> = fc.oneof(
  fc.record({ key: anyKey, operator: fc.constantFrom('exists' as const, 'absent' as const) }),
  fc.record({
    key: anyKey,
    operator: fc.constantFrom('in' as const, 'notin' as const),
    values: fc.uniqueArray(anyValue, { minLength: 1, maxLength: 4 }),
  }),
);
const anySelector = fc.array(anyRequirement, { minLength: 1, maxLength: 5 });

describe('formatSelector', () => {
  test.each([
    ['app == shop', 'app=shop'],
    ['app != shop', 'app!=shop'],
    ['! canary', '!canary'],
    ['env in ( dev , prod ),\n tier', 'env in (dev,prod),tier'],
    ['env in (dev)', 'env=dev'],
    ['env notin (dev)', 'env!=dev'],
    ['app=', 'app='],
    ['env in (,x)', 'env in (,x)'],
  ])('sends %j as %j', (text, sent) => {
    expect(formatSelector(selectorOf(text))).toBe(sent);
  });

  test('is read back as the same selector', () => {
    fc.assert(
      fc.property(anySelector, (selector) => {
        expect(selectorOf(formatSelector(selector))).toEqual(selector);
      }),
    );
  });
});

describe('matchesSelector', () => {
  const labels = { app: 'shop', env: 'prod', empty: '' };

  test.each([
    ['app=shop', true],
    ['app=Shop', false],
    ['app!=web', true],
    ['app!=shop', false],
    ['other!=shop', true],
    ['env in (dev,prod)', true],
    ['env in (dev,test)', false],
    ['other in (dev)', false],
    ['env notin (dev)', true],
    ['env notin (dev,prod)', false],
    ['other notin (dev)', true],
    ['app', true],
    ['other', false],
    ['!other', true],
    ['!app', false],
    ['empty=', true],
    ['other=', false],
    ['empty', true],
    ['constructor', false],
    ['!toString', true],
    ['app=shop,env=prod', true],
    ['app=shop,env=dev', false],
  ])('%s: %p', (text, expected) => {
    expect(matchesSelector(selectorOf(text), labels)).toBe(expected);
  });

  test('everything matches the empty selector', () => {
    expect(matchesSelector([], {})).toBe(true);
  });

  test('a requirement and its opposite never agree', () => {
    fc.assert(
      fc.property(anyRequirement, fc.dictionary(anyKey, anyValue), (requirement, given) => {
        expect(matchesSelector([requirement], given)).toBe(!matchesSelector([opposite(requirement)], given));
      }),
    );
  });
});

function opposite(requirement: Requirement): Requirement {
  switch (requirement.operator) {
    case 'exists':
      return { ...requirement, operator: 'absent' };
    case 'absent':
      return { ...requirement, operator: 'exists' };
    case 'in':
      return { ...requirement, operator: 'notin' };
    case 'notin':
      return { ...requirement, operator: 'in' };
  }
}

describe('what the API server refuses', () => {
  test.each(LABEL_SELECTORS.filter(([, refusal]) => refusal !== null).map(([text]) => text))(
    'is refused before anybody asks it: %j',
    (text) => {
      expect(parseSelector(text)).toEqual({ problem: expect.stringMatching(/./) });
    },
  );
});
