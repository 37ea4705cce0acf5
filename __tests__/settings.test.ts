import { describe, expect, test } from '@jest/globals';
import fc from 'fast-check';
import { INPUTS, type InputName } from '../src/contract.ts';
import { describeProblems, parseSettings, type RawSettings, readSettings, type Settings } from '../src/settings.ts';
import { aSettings } from './builders.ts';

/** What a runner gives where nothing is set and `action.yml` has no defaults: an empty text for every input. */
function anInput(given: Partial<RawSettings> = {}): RawSettings {
  const empty = Object.fromEntries(INPUTS.map(({ name }) => [name, ''])) as Record<InputName, string>;
  return { ...empty, ...given };
}

function settingsOf(given: Partial<RawSettings>): Settings {
  const parsed = parseSettings(anInput(given));
  if ('problems' in parsed) throw new Error(parsed.problems.join('\n'));
  return parsed.settings;
}

function problemsOf(given: Partial<RawSettings>): readonly string[] {
  const parsed = parseSettings(anInput(given));
  return 'problems' in parsed ? parsed.problems : [];
}

const DEFAULTS = aSettings();

describe('parseSettings: what is allowed', () => {
  test('empty inputs are the defaults of the contract', () => {
    expect(parseSettings(anInput())).toEqual({ settings: DEFAULTS, warnings: [] });
  });

  test('inputs of nothing but white space are the defaults, too', () => {
    const blank = Object.fromEntries(INPUTS.map(({ name }) => [name, ' \n\t'])) as Record<InputName, string>;
    expect(parseSettings(blank)).toEqual({ settings: DEFAULTS, warnings: [] });
  });

  test('the defaults, written out, are the defaults', () => {
    const written = Object.fromEntries(INPUTS.map((input) => [input.name, input.default])) as Record<InputName, string>;
    expect(parseSettings(written)).toEqual({ settings: DEFAULTS, warnings: [] });
  });

  test.each<[InputName, string, Partial<Settings>]>([
    ['kubeconfig', ' /tmp/kube config ', { kubeconfig: '/tmp/kube config' }],
    ['context', 'arn:aws:eks:eu-west-1:1:cluster/shop', { context: 'arn:aws:eks:eu-west-1:1:cluster/shop' }],
    ['namespaces', 'shop, web\n  api,,shop', { namespaces: ['shop', 'web', 'api'] }],
    ['exclude-namespaces', 'kube-system', { excludeNamespaces: ['kube-system'] }],
    [
      'selector',
      'app in (web)',
      { selector: [{ key: 'app', operator: 'in', values: ['web'] }], selectorText: 'app in (web)' },
    ],
    ['timeout', '1h30m', { timeoutMs: 5_400_000 }],
    ['timeout', '90', { timeoutMs: 90_000 }],
    ['stable-for', '0s', { stableForMs: 0 }],
    ['stuck-after', '5m', { stuckAfterMs: 300_000 }],
    ['min-pods', '0', { minPods: 0 }],
    ['min-pods', '12', { minPods: 12 }],
    ['fail-fast', 'false', { failFast: false }],
    ['fail-fast', 'False', { failFast: false }],
    ['fail-fast', 'FALSE', { failFast: false }],
    ['restart-calico-node', 'True', { restartCalicoNode: true }],
    ['restart-calico-node', 'TRUE', { restartCalicoNode: true }],
    ['max-node-restarts', '0', { maxNodeRestarts: 0 }],
    ['restart-timeout', '45s', { restartTimeoutMs: 45_000 }],
    ['calico-namespace', 'calico-system', { calicoNamespace: 'calico-system' }],
    ['fail-on', 'none', { failOn: [] }],
    ['fail-on', 'unhealthy', { failOn: ['unhealthy'] }],
    ['fail-on', 'inconclusive unhealthy', { failOn: ['inconclusive', 'unhealthy'] }],
    ['report-file', 'out/gate.json', { reportFile: 'out/gate.json' }],
    ['job-summary', 'false', { jobSummary: false }],
  ])('%s: %j', (name, text, changed) => {
    expect(settingsOf({ [name]: text })).toEqual({ ...DEFAULTS, ...changed });
  });
});

describe('parseSettings: what is refused', () => {
  test.each<[InputName, string]>([
    ['context', 'a\u0000b'],
    ['context', 'two\nlines'],
    ['kubeconfig', '/tmp/a\tb'],
    ['namespaces', '*'],
    ['namespaces', 'Shop'],
    ['exclude-namespaces', 'kube_system'],
    ['selector', 'app='.repeat(2)],
    ['selector', ','],
    ['timeout', '0'],
    ['timeout', '0s'],
    ['timeout', '-1m'],
    ['timeout', 'soon'],
    ['timeout', '169h'],
    ['stable-for', '15 seconds'],
    ['stuck-after', '-1'],
    ['min-pods', '-1'],
    ['min-pods', '1.5'],
    ['min-pods', '1e3'],
    ['min-pods', '10s'],
    ['min-pods', '9'.repeat(20)],
    ['fail-fast', 'yes'],
    ['fail-fast', '1'],
    ['fail-fast', 'tRUE'],
    ['restart-calico-node', 'on'],
    ['max-node-restarts', '-3'],
    ['restart-timeout', '3 m'],
    ['calico-namespace', 'calico-system, kube-system'],
    ['fail-on', 'healthy'],
    ['fail-on', 'none, unhealthy'],
    ['fail-on', 'Unhealthy'],
    ['fail-on', ','],
    ['report-file', 'a\nb'],
    ['job-summary', 'no'],
  ])('%s: %j', (name, text) => {
    const problems = problemsOf({ [name]: text });
    expect(problems).toHaveLength(1);
    expect(problems[0]).toMatch(new RegExp(`^\`${name}\` (is|has) ".+"`));
    expect(problems[0]).toContain(`; allowed: ${INPUTS.find((input) => input.name === name)?.allowed}`);
    expect(problems[0]).not.toMatch(/\p{Cc}/u);
  });

  test('a selector is refused with the part that is wrong', () => {
    expect(problemsOf({ selector: 'app=shop,tier=-x' })[0]).toContain(
      '`selector` is "app=shop,tier=-x": "-x" is no label value; allowed: ',
    );
  });

  test('of a list only the wrong entries are named, three of them at most', () => {
    expect(problemsOf({ namespaces: 'shop,A,web,B,C,D,E' })[0]).toContain(
      '`namespaces` has "A", "B", "C" and 2 more; allowed: ',
    );
  });

  test('all problems are told together, in the order of the contract', () => {
    const problems = problemsOf({
      timeout: '0',
      'min-pods': '-1',
      namespaces: 'X',
      'job-summary': 'maybe',
      selector: '!',
    });
    expect(problems.map((problem) => /`([^`]+)`/.exec(problem)?.[1])).toEqual([
      'namespaces',
      'selector',
      'timeout',
      'min-pods',
      'job-summary',
    ]);
  });

  test('a value is cut at 80 characters', () => {
    const [problem = ''] = problemsOf({ timeout: 'x'.repeat(100) });
    expect(problem).toContain(`"${'x'.repeat(80)}…"`);
    expect(problem).not.toContain('x'.repeat(81));
  });

  test('exclude-namespaces together with namespaces is refused with both values', () => {
    const [problem = '', ...others] = problemsOf({ namespaces: 'shop', 'exclude-namespaces': 'web' });
    expect(problem).toContain(
      '`exclude-namespaces` is "web" together with `namespaces` "shop"; allowed: one of the two',
    );
    expect(others).toEqual([]);
  });

  test.each([
    ['5m', '5m'],
    ['1h', '20m'],
  ])('stable-for %s is not shorter than timeout %s', (stableFor, timeout) => {
    const [problem = '', ...others] = problemsOf({ 'stable-for': stableFor, timeout });
    expect(problem).toContain(
      `\`stable-for\` is "${stableFor}" with \`timeout\` "${timeout}"; allowed: shorter than timeout`,
    );
    expect(others).toEqual([]);
  });

  test('a timeout below the default of stable-for names both, though only one was set', () => {
    expect(problemsOf({ timeout: '10s' })[0]).toContain('`stable-for` is "15s" (the default) with `timeout` "10s"');
  });

  test('stable-for is not compared with a timeout that is wrong by itself', () => {
    expect(problemsOf({ 'stable-for': '20m', timeout: 'soon' })).toHaveLength(1);
  });

  test('whatever the text, there are settings or problems, and a problem is one printable line', () => {
    const anyText = fc.oneof(fc.string({ unit: 'binary' }), fc.constantFrom('', '0', 'true', 'none', '1m', 'a b'));
    const anyInput = fc.record(
      Object.fromEntries(INPUTS.map(({ name }) => [name, anyText])) as Record<InputName, fc.Arbitrary<string>>,
    );
    fc.assert(
      fc.property(anyInput, (raw) => {
        const parsed = parseSettings(raw);
        if ('settings' in parsed) return;
        expect(parsed.problems.length).toBeGreaterThan(0);
        for (const problem of parsed.problems) expect(problem).not.toMatch(/[\p{Cc}\p{Cf}\p{Zl}\p{Zp}]|##\[/u);
      }),
    );
  });
});

describe('parseSettings: what is warned about', () => {
  test('a restart-timeout in which a cure may be missed', () => {
    const parsed = parseSettings(anInput({ 'restart-calico-node': 'true', 'restart-timeout': '44s' }));
    expect(parsed).toMatchObject({ settings: { restartTimeoutMs: 44_000 } });
    expect('warnings' in parsed && parsed.warnings).toEqual([expect.stringContaining('restart-timeout is below 45s')]);
  });

  test('a timeout that leaves no time for any restart', () => {
    const parsed = parseSettings(anInput({ 'restart-calico-node': 'true', timeout: '60s' }));
    expect('warnings' in parsed && parsed.warnings).toEqual([expect.stringContaining('no restart')]);
  });

  test.each<[string, Partial<RawSettings>]>([
    ['45s are enough', { 'restart-calico-node': 'true', 'restart-timeout': '45s' }],
    ['nothing may be restarted', { 'restart-timeout': '1s', timeout: '20s' }],
  ])('not where %s', (_why, given) => {
    expect(parseSettings(anInput(given))).toMatchObject({ warnings: [] });
  });
});

describe('readSettings', () => {
  test('asks about the path that was given, and only then', () => {
    const asked: string[] = [];
    const ask = (path: string): null => {
      asked.push(path);
      return null;
    };
    expect(readSettings(anInput(), ask)).toMatchObject({ settings: { kubeconfig: null } });
    expect(readSettings(anInput({ kubeconfig: ' ./kube.yaml\n' }), ask)).toMatchObject({
      settings: { kubeconfig: './kube.yaml' },
    });
    expect(asked).toEqual(['./kube.yaml']);
  });

  test('a path that cannot be read is one of all problems', () => {
    const parsed = readSettings(anInput({ kubeconfig: '/no/such', timeout: '0' }), () => 'there is no such file');
    expect('problems' in parsed && parsed.problems).toEqual([
      '`kubeconfig` is "/no/such", which cannot be read: there is no such file; allowed: the path of a file that can be read, or nothing',
      expect.stringContaining('`timeout` is "0"'),
    ]);
  });

  test.each([
    ['YAML', 'apiVersion: v1\nkind: Config\nusers:\n- name: a\n  user: {token: hunter2}\n'],
    ['YAML on one line', '{apiVersion: v1, users: [{user: {token: hunter2}}]}'],
    ['base64', Buffer.from('apiVersion: v1\nusers: [{user: {token: hunter2}}]').toString('base64')],
  ])('the content of a kubeconfig as %s is named, never shown, and never looked for', (_form, content) => {
    const parsed = readSettings(anInput({ kubeconfig: content }), () => {
      throw new Error('asked for a file');
    });
    const text = 'problems' in parsed ? parsed.problems.join('\n') : '';
    expect(text).toContain('this is the content of a kubeconfig; write it to a file first');
    expect(text).not.toContain('hunter2');
    expect(text).not.toContain(content.slice(0, 10));
  });
});

describe('describeProblems', () => {
  test('one problem is a sentence, more are counted and numbered on one line', () => {
    expect(describeProblems(['a is bad'])).toBe('bad input: a is bad');
    expect(describeProblems(['a is bad', 'b is bad'])).toBe('bad input, 2 problems: (1) a is bad; (2) b is bad');
  });
});
