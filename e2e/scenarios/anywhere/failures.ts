import type { Manifest } from '../../api.ts';
import type { Cluster } from '../../harness.ts';
import { aContainer, aPodSpec, type PodOptions } from '../../workloads.ts';

/** A failure that has nothing to do with Calico, and what is to be told of it. */
export interface Failure {
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

export const FAILURES: readonly Failure[] = [
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
