import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import type { ReportedFinding } from '../../../src/report/report.ts';
import type { Manifest } from '../../api.ts';
import { calicoNodeUids } from '../../calico/calico-node.ts';
import { type GateRun, runGate } from '../../gate.ts';
import { type Cluster, connectCluster } from '../../harness.ts';
import { aContainer, aDeployment, aPodSpec, makeNamespace, type PodOptions, removeNamespace } from '../../workloads.ts';

interface Failure {
  /** Its namespace is called after it. */
  readonly name: string;
  readonly what: string;
  /** A Deployment `web` with this pod. */
  readonly pod?: (cluster: Cluster) => PodOptions;
  /** Instead of it, or besides. */
  readonly others?: (namespace: string) => readonly Manifest[];
  /** Stage and cause of the worst finding. */
  readonly finding: string;
  /** The sentence that a person reads, with the cluster's own words in it. */
  readonly sentence: RegExp;
  /** Whether waiting cannot heal it, so that the run ends long before its timeout. */
  readonly ends: 'early' | 'at its timeout';
}

const CRASH = ['crash', '--after=1s', '--code=3', '--message=cannot reach the database'];
const NOBODY_LISTENS = { httpGet: { path: '/', port: 9 }, periodSeconds: 1, failureThreshold: 1 };

const FAILURES: readonly Failure[] = [
  {
    name: 'crash-loop',
    what: 'a container that crashes again and again: how it ended, and its last words',
    pod: () => ({ container: { args: CRASH } }),
    finding: 'crash CrashLoop',
    sentence: /container app: [2-9] restarts, exit code 3.*kubectl logs -n ordinary-crash-loop web-\S+ --previous/,
    ends: 'early',
  },
  {
    name: 'liveness',
    what: 'a container that the kubelet ends because its liveness probe fails: what the probe got',
    pod: () => ({ container: { livenessProbe: NOBODY_LISTENS } }),
    finding: 'crash CrashLoop',
    sentence:
      /container app: [1-9] restarts?, exit code 0.*Liveness probe failed: Get "http:\S+:9\/".*connection refused/,
    ends: 'early',
  },
  {
    name: 'out-of-memory',
    what: 'a container that needs more memory than it may have',
    pod: () => ({ container: { args: ['hoard'], resources: { limits: { memory: '32Mi' } } } }),
    finding: 'crash OutOfMemory',
    sentence: /container app: .*exit code 137 \(SIGKILL, OOMKilled\).*raise the memory limit/,
    ends: 'early',
  },
  {
    name: 'failing-init',
    what: 'an init container that fails again and again',
    pod: () => ({ initContainers: [aContainer({ name: 'migrate', args: CRASH })] }),
    finding: 'crash InitCrash',
    sentence: /init container migrate: [2-9] restarts, exit code 3/,
    ends: 'early',
  },
  {
    name: 'no-program',
    what: 'a program that is not in the image',
    pod: () => ({ container: { command: ['/no-such-program'] } }),
    finding: 'start StartError',
    sentence: /exec: "\/no-such-program": stat \/no-such-program: no such file or directory/,
    ends: 'early',
  },
  {
    name: 'missing-image',
    what: 'an image that its registry does not have',
    pod: ({ api }) => ({
      container: { image: `${new URL(api.server).hostname}:5000/shop/web:7.1`, imagePullPolicy: 'Always' },
    }),
    finding: 'image ImageNotFound',
    sentence: /image \S+:5000\/shop\/web:7\.1: .*not found.*check that the image was pushed/,
    ends: 'early',
  },
  {
    name: 'no-registry',
    what: 'an image from a registry that nobody can reach',
    pod: () => ({ container: { image: 'registry.invalid/shop/web:7.1', imagePullPolicy: 'Always' } }),
    finding: 'image RegistryUnavailable',
    sentence: /image registry\.invalid\/shop\/web:7\.1: .*lookup registry\.invalid/,
    ends: 'at its timeout',
  },
  {
    name: 'not-pulled',
    what: 'an image that the node does not have and may not pull',
    pod: () => ({ container: { image: 'calico-health-gate.example/absent:1' } }),
    finding: 'image ImageNotFound',
    sentence: /ErrImageNeverPull: Container image "calico-health-gate\.example\/absent:1" is not present/,
    ends: 'early',
  },
  {
    name: 'bad-name',
    what: 'an image name that cannot be one',
    pod: () => ({ container: { image: 'Shop/Web:1' } }),
    finding: 'image InvalidImage',
    sentence: /InvalidImageName: .*repository name \(Web\) must be lowercase.*correct the image name in Deployment web/,
    ends: 'early',
  },
  {
    name: 'missing-secret',
    what: 'a Secret for its environment that nobody created',
    pod: () => ({ container: { envFrom: [{ secretRef: { name: 'database' } }] } }),
    finding: 'config MissingConfig',
    sentence:
      /container app: secret "database" not found.*create what the message names in namespace ordinary-missing-secret/,
    ends: 'at its timeout',
  },
  {
    name: 'missing-key',
    what: 'a key that the ConfigMap does not have',
    pod: () => ({
      container: { env: [{ name: 'LIMIT', valueFrom: { configMapKeyRef: { name: 'settings', key: 'limit' } } }] },
    }),
    others: (namespace) => [{ apiVersion: 'v1', kind: 'ConfigMap', metadata: { name: 'settings', namespace } }],
    finding: 'config MissingConfig',
    sentence: /container app: couldn't find key limit in ConfigMap ordinary-missing-key\/settings/,
    ends: 'at its timeout',
  },
  {
    name: 'missing-volume',
    what: 'a Secret to mount that nobody created',
    pod: () => ({
      container: { volumeMounts: [{ name: 'certificate', mountPath: '/tls' }] },
      volumes: [{ name: 'certificate', secret: { secretName: 'web-tls' } }],
    }),
    finding: 'volumes VolumeMissing',
    sentence: /MountVolume\.SetUp failed for volume "certificate" : secret "web-tls" not found/,
    ends: 'at its timeout',
  },
  {
    name: 'root',
    what: 'an image that runs as root where that is refused',
    pod: () => ({ container: { securityContext: { runAsNonRoot: true } } }),
    finding: 'config InvalidConfig',
    sentence: /container has runAsNonRoot and image will run as root/,
    ends: 'early',
  },
  {
    name: 'unschedulable',
    what: 'a pod that no node can take',
    pod: () => ({ nodeSelector: { disk: 'fast' } }),
    finding: 'scheduling Unschedulable',
    sentence: /0\/\d nodes are available: .*didn't match Pod's node affinity\/selector/,
    ends: 'at its timeout',
  },
  {
    name: 'never-ready',
    what: 'a container whose readiness probe never passes',
    pod: () => ({ container: { args: ['serve', '--ready-after=-1s'] } }),
    finding: 'probe NotReady',
    sentence: /readiness probe GET :8080\/: Readiness probe failed: HTTP probe failed with statuscode: 503/,
    ends: 'at its timeout',
  },
  {
    name: 'quota',
    what: 'a quota that leaves no room for the pods',
    pod: () => ({}),
    others: (namespace) => [
      {
        apiVersion: 'v1',
        kind: 'ResourceQuota',
        metadata: { name: 'small', namespace },
        spec: { hard: { pods: '0' } },
      },
    ],
    finding: 'workload CreateRefused',
    sentence: /pods "web-\S+" is forbidden: exceeded quota: small, requested: pods=1, used: pods=0, limited: pods=0/,
    ends: 'early',
  },
  {
    name: 'failed-job',
    what: 'a Job that failed and is not tried again',
    others: (namespace) => [
      {
        apiVersion: 'batch/v1',
        kind: 'Job',
        metadata: { name: 'migrate', namespace },
        spec: { backoffLimit: 0, template: { spec: aPodSpec({ restartPolicy: 'Never', container: { args: CRASH } }) } },
      },
    ],
    finding: 'crash Failed',
    sentence:
      /Job migrate failed: BackoffLimitExceeded.*its last pod ordinary-failed-job\/migrate-\w+ ended with exit code 3/,
    ends: 'early',
  },
];

const namespaceOf = ({ name }: Failure): string => `ordinary-${name}`;
const NAMESPACES = FAILURES.map(namespaceOf);
/** Of a run that ends by itself: none of them needs so long. */
const LONG = '4m';
const SHORT = '1m';

describe('an ordinary failure', () => {
  let cluster: Cluster;
  let calicoNodes: Readonly<Record<string, string>>;
  const runs = new Map<string, GateRun>();
  let everything: GateRun;

  beforeAll(async () => {
    cluster = await connectCluster();
    calicoNodes = await calicoNodeUids(cluster);
    await Promise.all(FAILURES.map(async (failure) => await deploy(cluster, failure)));

    const single = FAILURES.map(async (failure) => {
      const inputs = { namespaces: namespaceOf(failure), timeout: failure.ends === 'early' ? LONG : SHORT };
      runs.set(failure.name, await runGate(cluster, { ...inputs, 'restart-calico-node': 'true' }));
    });
    const all = runGate(cluster, { namespaces: NAMESPACES.join(), timeout: SHORT, 'fail-fast': 'false' });
    await Promise.all(single);
    everything = await all;
  });

  afterAll(async () => {
    await Promise.all(NAMESPACES.map(async (name) => await removeNamespace(cluster, name)));
    cluster.api.close();
  });

  test.each(FAILURES)('is told in a sentence: $what', ({ name, finding, sentence, ends }) => {
    const { exitCode, outputs, report } = runs.get(name) as GateRun;

    expect(causeOf(report.findings[0])).toBe(finding);
    expect(outputs.reason).toMatch(sentence);
    expect(outputs.verdict).toBe('unhealthy');
    expect(exitCode).toBe(1);
    expect(report.findings[0]?.fatal).toBe(ends === 'early');
    if (ends === 'early') expect(outputs.reason).not.toContain('the timeout of');
    else expect(outputs.reason).toContain('the timeout of 1m is over');
    expect(outputs).toMatchObject({ 'calico-auth-failure': 'false', 'affected-nodes': '[]', 'restarted-nodes': '[]' });
  });

  test('that crashes is told with its last words', () => {
    for (const name of ['crash-loop', 'failing-init']) {
      const { report, stdout } = runs.get(name) as GateRun;
      expect(report.findings[0]?.message).toContain('; last log lines: cannot reach the database');
      expect(stdout).toContain('; last log lines: cannot reach the database');
    }
  });

  test('does not hide the others, where one run judges them all', () => {
    const { exitCode, outputs, report } = everything;

    expect(exitCode).toBe(1);
    expect(outputs.verdict).toBe('unhealthy');
    const found = new Map(report.findings.map((finding) => [finding.namespace, causeOf(finding)]));
    expect(Object.fromEntries(found)).toEqual(
      Object.fromEntries(FAILURES.map((failure) => [namespaceOf(failure), failure.finding])),
    );
    expect(outputs.reason).toContain(`${FAILURES.length - 1} more things are wrong`);
  });

  test('is told at once by a sweep that finds it long stuck, whatever patience a deploy would have', async () => {
    const stuck = FAILURES.filter(({ ends }) => ends === 'at its timeout');
    const namespaces = stuck.map(namespaceOf).join();

    const { exitCode, outputs, report } = await runGate(cluster, { namespaces, 'stuck-after': '20s', timeout: LONG });

    expect(exitCode).toBe(1);
    expect(outputs.reason).not.toContain('the timeout of');
    expect(report.findings.map((finding) => [finding.namespace, causeOf(finding), finding.fatal]).sort()).toEqual(
      stuck.map((failure) => [namespaceOf(failure), failure.finding, true]).sort(),
    );
  });

  test('is no reason to touch Calico', async () => {
    expect(await calicoNodeUids(cluster)).toEqual(calicoNodes);
  });
});

async function deploy(cluster: Cluster, failure: Failure): Promise<void> {
  const namespace = namespaceOf(failure);
  await makeNamespace(cluster, namespace);
  for (const manifest of failure.others?.(namespace) ?? []) await cluster.api.apply(manifest);
  if (failure.pod === undefined) return;
  await cluster.api.apply(aDeployment({ name: 'web', namespace, pod: failure.pod(cluster) }));
}

function causeOf(finding: ReportedFinding | undefined): string {
  return `${finding?.stage} ${finding?.cause}`;
}
