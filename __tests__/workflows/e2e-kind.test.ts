import { spawnSync } from 'node:child_process';
import {
  accessSync,
  chmodSync,
  constants,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { afterEach, beforeEach, describe, expect, test } from '@jest/globals';
import { load, loadAll } from 'js-yaml';
import { OUTPUTS } from '../../src/contract.ts';

const ROOT = resolve(import.meta.dirname, '../..');
const KIND = join(ROOT, 'e2e/kind');
const TEXT = readFileSync(join(ROOT, '.github/workflows/e2e-kind.yml'), 'utf8');

interface Step {
  readonly name?: string;
  readonly uses?: string;
  readonly run?: string;
  readonly env?: Readonly<Record<string, string>>;
  readonly with?: Readonly<Record<string, unknown>>;
}

interface Workflow {
  readonly permissions: object;
  readonly concurrency: object;
  readonly jobs: Readonly<
    Record<
      string,
      {
        readonly permissions: object;
        readonly 'timeout-minutes': number;
        readonly steps: readonly Step[];
        readonly strategy: {
          readonly matrix: { readonly install: readonly string[]; readonly calico: readonly string[] };
        };
      }
    >
  >;
}

const WORKFLOW = load(TEXT) as Workflow;
const JOBS = Object.values(WORKFLOW.jobs);
const STEPS = JOBS.flatMap(({ steps }) => steps);
const COMMANDS = STEPS.flatMap(({ run }) => (run === undefined ? [] : [run]));
const SCRIPTS = readdirSync(KIND).filter((name) => name.endsWith('.sh'));

describe('the workflow', () => {
  test('has no right but to read the repository', () => {
    expect(WORKFLOW.permissions).toEqual({});
    expect(JOBS.map(({ permissions }) => permissions)).toEqual(JOBS.map(() => ({ contents: 'read' })));
    const checkouts = STEPS.filter(({ uses }) => uses?.startsWith('actions/checkout@'));
    expect(checkouts.map((step) => step.with)).toEqual([{ 'persist-credentials': false }]);
  });

  test('ends by itself, and one run at a time', () => {
    for (const job of JOBS) expect(job['timeout-minutes']).toBeLessThanOrEqual(120);
    expect(WORKFLOW.concurrency).toMatchObject({ 'cancel-in-progress': true });
  });

  test('installs two exact versions of Calico in both ways', () => {
    for (const { strategy } of JOBS) {
      const { install, calico } = strategy.matrix;
      expect(new Set(calico).size).toBe(2);
      for (const version of calico) expect(version).toMatch(/^v\d+\.\d+\.\d+$/u);
      expect(install.map((way) => `install-${way}.sh`)).toEqual(['install-operator.sh', 'install-manifest.sh']);
    }
  });

  test('runs only scripts that are there', () => {
    const { scripts } = JSON.parse(readFileSync(join(ROOT, 'package.json'), 'utf8')) as { readonly scripts: object };
    const everything = [...COMMANDS, ...SCRIPTS.map((name) => readFileSync(join(KIND, name), 'utf8'))].join('\n');
    const npm = [...everything.matchAll(/npm run ([\w-]+)/gu)].map(([, name]) => name);
    expect(npm).toEqual(expect.arrayContaining(['e2e', 'record']));
    expect(Object.keys(scripts)).toEqual(expect.arrayContaining(npm));
    const own = [...everything.matchAll(/e2e\/kind\/[\w-]+\.(?:sh|yaml)/gu)].map(([path]) => path);
    expect(own.length).toBeGreaterThan(4);
    for (const path of own) accessSync(join(ROOT, path), path.endsWith('.sh') ? constants.X_OK : constants.R_OK);
  });

  test('gives the gate inputs that it has, and asks it for outputs that it has', () => {
    const action = load(readFileSync(join(ROOT, 'action.yml'), 'utf8')) as { readonly inputs: object };
    const gate = STEPS.find(({ uses }) => uses === './');
    expect(Object.keys(action.inputs)).toEqual(expect.arrayContaining(Object.keys(gate?.with ?? {})));
    const asked = [...TEXT.matchAll(/steps\.gate\.outputs\.([\w-]+)/gu)].map(([, name]) => name);
    expect(OUTPUTS.map(({ name }) => name)).toEqual(expect.arrayContaining(asked));
  });
});

describe('its manifests', () => {
  test.each(readdirSync(KIND).filter((name) => name.endsWith('.yaml')))('%s is one of a known kind', (name) => {
    const documents = loadAll(readFileSync(join(KIND, name), 'utf8')) as readonly Readonly<Record<string, unknown>>[];
    for (const document of documents) {
      expect(document).toMatchObject({ apiVersion: expect.any(String), kind: expect.any(String) });
    }
  });

  test('the cluster has the node that is broken, and leaves the network to Calico', () => {
    const cluster = load(readFileSync(join(KIND, 'cluster.yaml'), 'utf8'));
    expect(cluster).toMatchObject({ networking: { disableDefaultCNI: true, podSubnet: '192.168.0.0/16' } });
    expect(TEXT).toContain('BROKEN_NODE: calico-health-gate-worker');
    expect(readFileSync(join(KIND, 'up.sh'), 'utf8')).toContain('cluster=calico-health-gate');
  });
});

describe('its scripts', () => {
  let folder: string;
  beforeEach(() => {
    folder = mkdtempSync(join(tmpdir(), 'e2e-kind-'));
    mkdirSync(join(folder, 'bin'));
  });
  afterEach(() => rmSync(folder, { recursive: true, force: true }));

  /** A program that stands in for one that is not on this machine. */
  const standIn = (name: string, script: string): void => {
    const path = join(folder, 'bin', name);
    writeFileSync(
      path,
      `#!/usr/bin/env bash\nset -eu\nprintf '%s ' ${name} "$@" >>"$CALLS"; echo >>"$CALLS"\n${script}\n`,
    );
    chmodSync(path, 0o755);
  };
  const calls = (): readonly string[] => readFileSync(join(folder, 'calls'), 'utf8').trim().split(/ ?\n/u);
  const run = (script: string, args: readonly string[], env: Readonly<Record<string, string>> = {}) => {
    const PATH = `${join(folder, 'bin')}:${process.env.PATH}`;
    const result = spawnSync(join(KIND, script), args, {
      encoding: 'utf8',
      env: { PATH, CALLS: join(folder, 'calls'), FOLDER: folder, ...env },
    });
    return { status: result.status, stdout: result.stdout, stderr: result.stderr };
  };

  test.each(SCRIPTS)('%s parses, and ends at the first thing that fails', (name) => {
    expect(spawnSync('bash', ['-n', join(KIND, name)], { encoding: 'utf8' })).toMatchObject({ status: 0, stderr: '' });
    expect(readFileSync(join(KIND, name), 'utf8')).toMatch(/^#!\/usr\/bin\/env bash\n(?:#.*\n)+set -euo pipefail\n/u);
  });

  test.each(SCRIPTS)('%s takes nothing from a branch or a tag that moves', (name) => {
    const text = readFileSync(join(KIND, name), 'utf8');
    for (const [url] of text.matchAll(/https:\/\/\S+/gu)) expect(url).toContain('/$version/');
    for (const [, version] of text.matchAll(/go install [\w./-]+@(\S+)/gu))
      expect(version).toMatch(/^v\d+\.\d+\.\d+$/u);
    expect(text).not.toMatch(/\b(?:master|latest)\b/u);
  });

  test.each(['up.sh', 'install-operator.sh', 'install-manifest.sh', 'break-token.sh', 'check-cure.sh'])(
    '%s says how it is used when it is told nothing',
    (name) => {
      const { status, stderr } = run(name, []);
      expect(status).not.toBe(0);
      expect(stderr).toMatch(/usage: .*\.sh /u);
    },
  );

  test.each(JOBS.flatMap(({ strategy }) => strategy.matrix.calico))(
    'Calico %s can be installed in both ways',
    (version) => {
      standIn('kubectl', '');
      for (const way of ['operator', 'manifest'])
        expect(run(`install-${way}.sh`, [version])).toMatchObject({ status: 0 });
      const created = calls().filter((call) => call.includes('https://'));
      expect(created).toHaveLength(3);
      for (const call of created) {
        expect(call).toContain(`https://raw.githubusercontent.com/projectcalico/calico/${version}/manifests/`);
      }
    },
  );

  test('a version whose files are not known is refused before anything is installed', () => {
    standIn('kubectl', '');
    expect(run('install-operator.sh', ['v3.99.0'])).toMatchObject({
      status: 64,
      stderr: expect.stringContaining('v3.99.0'),
    });
    expect(() => calls()).toThrow('ENOENT');
  });

  test('up.sh makes the cluster, installs Calico and loads the image, in that order', () => {
    standIn('go', `cp "$FOLDER/bin/kind" "$GOBIN/kind"`);
    standIn('kind', '');
    standIn('kubectl', '');
    standIn('npm', '');
    expect(run('up.sh', ['manifest', 'v3.31.4'], { KUBECONFIG: join(folder, 'kubeconfig') })).toMatchObject({
      status: 0,
    });
    expect(calls().map((call) => call.split(' ').slice(0, 3).join(' '))).toEqual([
      expect.stringMatching(/^go install sigs\.k8s\.io\/kind@/u),
      'kind create cluster',
      'kubectl create --filename',
      'kubectl rollout status',
      'kubectl wait --for',
      'npm run e2e',
      'kind load image-archive',
    ]);
    expect(run('up.sh', ['helm', 'v3.31.4'], { KUBECONFIG: 'x' })).toMatchObject({ status: 64 });
  });

  const KUBECONFIG_FILE = 'users:\n- name: calico\n  user:\n    token: "the.old.token"\ncontexts: []\n';

  /** kubectl where calico-node is in `kube-system`; docker whose node has its files in a folder. */
  const aNode = (content: string): void => {
    mkdirSync(join(folder, 'net.d'));
    writeFileSync(join(folder, 'net.d/calico-kubeconfig'), content);
    standIn('kubectl', 'case "$*" in *daemonset*) printf kube-system ;; "create token"*) echo eyJ.new.token ;; esac');
    standIn('docker', 'shift 3; exec "$1" "$2" "$(sed "s#/etc/cni/net.d#$FOLDER/net.d#" <<<"$3")"');
  };

  test('break-token.sh replaces the token by one that is bound to something gone, and nothing else', () => {
    aNode(KUBECONFIG_FILE);
    expect(run('break-token.sh', ['node-1'])).toMatchObject({ status: 0, stdout: expect.stringContaining('node-1') });
    const file = readFileSync(join(folder, 'net.d/calico-kubeconfig'), 'utf8');
    expect(file).toBe(KUBECONFIG_FILE.replace('"the.old.token"', 'eyJ.new.token'));
    expect(calls().filter((call) => call.startsWith('kubectl '))).toEqual([
      expect.stringContaining('get daemonset'),
      'kubectl create secret generic gone-node-1 --namespace kube-system',
      'kubectl create token calico-cni-plugin --namespace kube-system --bound-object-kind Secret --bound-object-name gone-node-1',
      'kubectl delete secret gone-node-1 --namespace kube-system',
    ]);
    expect(calls().find((call) => call.startsWith('docker '))).not.toContain('eyJ.new.token');
  });

  test('break-token.sh fails where there is no token to replace', () => {
    aNode('users: []\n');
    expect(run('break-token.sh', ['node-1']).status).not.toBe(0);
  });

  describe('check-cure.sh', () => {
    const GOOD = { OUTCOME: 'success', VERDICT: 'healthy', AFFECTED: '["n1"]', RESTARTED: '["n1"]' };
    const check = (
      env: Readonly<Record<string, string>>,
      nodes = 'n1 b\\nn2 a\\n',
      pods = 'web-1 True\\n',
    ): number | null => {
      writeFileSync(join(folder, 'before'), 'n1 a\nn2 a\n');
      standIn('kubectl', `case "$*" in *calico-node*) printf '${nodes}' ;; *) printf '${pods}' ;; esac`);
      return run('check-cure.sh', ['n1', join(folder, 'before')], env).status;
    };

    test('passes where exactly that node was restarted and all pods are ready', () => expect(check(GOOD)).toBe(0));

    test.each<readonly [string, Parameters<typeof check>]>([
      ['the step failed', [{ ...GOOD, OUTCOME: 'failure' }]],
      ['the verdict is another', [{ ...GOOD, VERDICT: 'inconclusive' }]],
      ['another node was found', [{ ...GOOD, AFFECTED: '["n1","n2"]' }]],
      ['no restart was told', [{ ...GOOD, RESTARTED: '[]' }]],
      ['an output is missing', [{}]],
      ['nothing was restarted', [GOOD, 'n1 a\\nn2 a\\n']],
      ['another node was restarted, too', [GOOD, 'n1 b\\nn2 b\\n']],
      ['a pod is not ready', [GOOD, undefined, 'web-1 True\\nweb-2 False\\n']],
    ])('fails where %s', (_what, args) => expect(check(...args)).toBe(1));
  });
});
