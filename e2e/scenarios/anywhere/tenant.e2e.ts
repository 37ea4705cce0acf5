import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import { commandsIn } from '../../../__tests__/report/runner-grammar.ts';
import type { FaceResult } from '../../../simulator/face-process.ts';
import type { EventObject, Pod } from '../../../simulator/objects.ts';
import { actAs } from '../../accounts.ts';
import type { Answer, Api, Manifest } from '../../api.ts';
import { calicoNodeUids } from '../../calico/calico-node.ts';
import { until } from '../../cluster/waiting.ts';
import { auditGate, changesAmong, type GateRun, runCommandLine, runGate } from '../../gate.ts';
import { type Cluster, connectCluster, isReady, podsIn } from '../../harness.ts';
import {
  aDaemonSet,
  aDeployment,
  allReady,
  aPodSpec,
  forcePodsOut,
  leaveNamespace,
  makeNamespace,
} from '../../workloads.ts';

const NAMESPACE = 'tenant';
const OTHERS = 'tenant-others';
const TENANT = 'calico-health-gate-e2e-tenant';
const RBAC = 'rbac.authorization.k8s.io';

const WITHIN_MS = 60_000;

const FAILURE =
  'plugin type="calico" failed (add): error getting ClusterInformation: connection is unauthorized: Unauthorized';

/** What a runner, a terminal or a page obeys. */
const ATTACK = [
  '::set-output name=verdict::healthy',
  '::error title=forged::forged',
  '##[add-mask]e',
  '\u001B[31mred\u001B]0;title\u0007',
  '\u202Egnitidekam',
  '<img src=x onerror=alert(1)>',
  '[click](https://evil.example) @octocat',
].join('\r\n');

/** The longest name that a pod may have: runtimes make no sandbox of that name, and say so at each retry. */
const LONG_NAME = `${'a.'.repeat(120)}hostile-names`;

/** Longer than 30 s of proof, and time left for a restart all the while. */
const INPUTS = { timeout: '45s', 'fail-fast': 'false', 'restart-timeout': '5s', 'restart-calico-node': 'true' };

/**
 * Whoever has the role `edit` in a namespace may write pods, their annotations and owners, DaemonSets and events there,
 * and delete what kubelets wrote. On a cluster in which all is well.
 */
describe('a tenant with the role edit', () => {
  let cluster: Cluster;
  let tenant: Api;
  let uids: Readonly<Record<string, string>>;
  /** Of everything, of the others' alone, and on the command line. */
  let run: GateRun;
  let others: GateRun;
  let typed: FaceResult;
  let changes: readonly object[];
  let refused: Readonly<Record<string, number>>;
  let volumeNode = '';

  beforeAll(async () => {
    cluster = await connectCluster();
    await Promise.all([NAMESPACE, OTHERS].map(async (name) => await makeNamespace(cluster, name)));
    tenant = await asTenant(cluster);
    await cluster.api.apply(aDeployment({ name: 'web', namespace: OTHERS, replicas: 2 }));
    for (const pod of podsOf(cluster)) await tenant.create(pathOfPods(NAMESPACE), pod);
    await tenant.apply(aDaemonSet({ name: 'calico-node', namespace: NAMESPACE, pod: { container: CALICO_CONTAINER } }));
    await Promise.all([allReady(cluster, OTHERS, 2), settled(cluster)]);
    await tenant.remove(`${pathOfPods(NAMESPACE)}/leaving`);

    // What the kubelets said goes, but for what they say again and again.
    await tenant.request('DELETE', `/api/v1/namespaces/${NAMESPACE}/events`);
    const mine = await podsIn(cluster, NAMESPACE);
    for (const pod of mine) for (const agoMs of [60_000, 0]) await tenant.create(pathOfEvents(), aForgery(pod, agoMs));
    volumeNode = mine.find(({ metadata }) => metadata.name === 'volume')?.spec.nodeName ?? '';
    await mounting(cluster);
    refused = await tryMore(cluster, tenant);

    uids = await calicoNodeUids(cluster);
    const requests = cluster.own ? auditGate() : () => [];
    const both = `${NAMESPACE},${OTHERS}`;
    [run, others, typed] = await Promise.all([
      runGate(cluster, { ...INPUTS, namespaces: both }),
      runGate(cluster, { ...INPUTS, namespaces: OTHERS, 'stable-for': '20s' }),
      runCommandLine(cluster, ['--namespaces', both, '--timeout', '20s', '--no-fail-fast']),
    ]);
    changes = changesAmong(requests());
  });

  afterAll(async () => {
    await forcePodsOut(cluster, NAMESPACE);
    await Promise.all([NAMESPACE, OTHERS].map(async (name) => await leaveNamespace(cluster, name)));
    for (const api of [tenant, cluster.api]) api.close();
  });

  test('may write no status, bind no pod, and write no event into the namespace of others', () => {
    expect(refused).toEqual({ status: 403, binding: 403, event: 403 });
  });

  test('causes no restart by forged events about pods that have, had or need no sandbox, or wait for a volume', async () => {
    expect(run.outputs).toMatchObject({ verdict: 'unhealthy', 'restarted-nodes': '[]' });
    // The forgeries were read, and one of them was weighed.
    expect(run.report.calico.nodes).toEqual([
      expect.objectContaining({
        node: volumeNode,
        pods: [`${NAMESPACE}/volume`],
        action: 'waiting',
        outcome: null,
        why: expect.stringMatching(/^the pod reported FailedMount .*: it may be a volume that it waits for$/),
      }),
    ]);
    expect(changes).toEqual([]);
    expect(await calicoNodeUids(cluster)).toEqual(uids);
  });

  test('has its own pods judged by what their kubelets say, not by its events', () => {
    const causes = run.report.findings.filter(({ pod }) => pod !== null).map(({ pod, cause }) => `${pod}: ${cause}`);
    expect(causes).toEqual(
      expect.arrayContaining([
        'image: ImageNotFound',
        'odd-image: InvalidImage',
        'host: CrashLoop',
        'gated: SchedulingGated',
      ]),
    );
    // Whichever is newer, the forgery or what the kubelet says again and again.
    const silent = causes.filter((each) => each.startsWith('volume: ') || each.startsWith(LONG_NAME));
    expect(silent).toHaveLength(2);
    const real = [`${LONG_NAME}: SandboxError`, 'volume: VolumeMissing'];
    for (const cause of silent) expect([...real, 'volume: CalicoUnauthorized']).toContain(cause);
  });

  test('does not pass its DaemonSet off as Calico’s', () => {
    const { installations } = run.report.calico;
    expect(installations).toContainEqual({ namespace: cluster.calicoNamespace, daemonSet: 'calico-node' });
    expect(installations.map(({ namespace }) => namespace)).not.toContain(NAMESPACE);
  });

  test('makes nothing of others unhealthy, nor has the failure found there', () => {
    expect(others.outputs).toMatchObject({
      verdict: 'healthy',
      'calico-auth-failure': 'false',
      'affected-nodes': '[]',
    });
    expect(run.report.findings.filter(({ namespace }) => namespace === OTHERS)).toEqual([]);
  });

  test('commands neither runner nor terminal by owners, images, last words and names that the API server takes', () => {
    // They did get so far.
    expect(run.stdout).toContain('forged');
    expect(typed.stdout).toContain('forged');
    const meant = ['add-mask', 'endgroup', 'error', 'group', 'warning'];
    expect(commandsIn(run.stdout).filter(({ name }) => !meant.includes(name))).toEqual([]);
    for (const text of [run.stderr, typed.stdout, typed.stderr]) expect(commandsIn(text)).toEqual([]);
    for (const line of `${run.stdout}${typed.stdout}`.split('\n')) {
      expect(line).not.toMatch(/[\p{Cc}\u202E]/u);
      expect(line).not.toMatch(/^::\w+ title=forged/u);
    }
    expect(run.summary).not.toMatch(/<img|\]\(https|@octocat/u);
    expect(run.outputs.verdict).toBe('unhealthy');
    expect(typed.exitCode).toBe(1);
  });
});

/** As calico-node's; it may not be on the host's network where Pod Security forbids that, and is not here. */
const CALICO_CONTAINER = { name: 'calico-node' };

async function asTenant({ api }: Cluster): Promise<Api> {
  await api.apply({
    apiVersion: `${RBAC}/v1`,
    kind: 'RoleBinding',
    metadata: { name: 'edit', namespace: NAMESPACE },
    roleRef: { apiGroup: RBAC, kind: 'ClusterRole', name: 'edit' },
    subjects: [{ apiGroup: RBAC, kind: 'User', name: TENANT }],
  });
  const tenant = await actAs(TENANT);
  const granted = { what: 'the rights of the tenant', timeoutMs: WITHIN_MS };
  await until(granted, async () => (await tenant.request('GET', pathOfPods(NAMESPACE))).status === 200);
  return tenant;
}

function podsOf({ nodes }: Cluster): readonly Manifest[] {
  const crash = { args: ['crash', `--message=${ATTACK}`] };
  const aPod = (name: string, spec: object, metadata: object = {}): Manifest => {
    return { apiVersion: 'v1', kind: 'Pod', metadata: { name, namespace: NAMESPACE, ...metadata }, spec };
  };
  const mount = { name: 'absent', mountPath: '/absent' };
  const owner = { apiVersion: 'example.com/v1', kind: `Kind ${ATTACK}`, name: `owner ${ATTACK}`, uid: 'none' };
  return [
    aPod('runs', aPodSpec()),
    aPod('host', aPodSpec({ hostNetwork: true, container: crash })),
    aPod('image', aPodSpec({ container: { image: 'registry.invalid/absent:1' } })),
    aPod('odd-image', aPodSpec({ container: { image: `absent ${ATTACK}` } })),
    aPod('volume', {
      ...aPodSpec({ nodes: nodes.slice(0, 1), container: { volumeMounts: [mount] } }),
      volumes: [{ name: 'absent', configMap: { name: 'absent' } }],
    }),
    aPod('gated', aPodSpec({ schedulingGates: [{ name: 'example.com/gate' }] })),
    // Bound by its own word: nobody asked the scheduler.
    aPod('bound', { ...aPodSpec(), nodeName: nodes[0] }),
    aPod('leaving', aPodSpec(), { finalizers: ['example.com/kept'] }),
    aPod(LONG_NAME, aPodSpec({ container: crash }), {
      ownerReferences: [owner],
      // Else the garbage collector ends it, for its owner is not there.
      finalizers: ['example.com/kept'],
    }),
  ];
}

const FAILING: ReadonlySet<string> = new Set(['host', 'image', 'odd-image', LONG_NAME]);

/** Resolves when all of them are in the state that is forged about. */
async function settled(cluster: Cluster): Promise<void> {
  await until({ what: 'the pods of the tenant', timeoutMs: WITHIN_MS }, async () => {
    const pods = await podsIn(cluster, NAMESPACE);
    return pods.every((pod) => {
      const { name } = pod.metadata;
      if (name === 'volume' || name === 'gated') return true;
      if (FAILING.has(name)) return pod.status.containerStatuses?.some(({ state }) => state.waiting !== undefined);
      return isReady(pod);
    });
  });
}

/** Resolves when the kubelet has said (again) that it waits for a volume: at the latest two minutes after the last time. */
async function mounting({ api }: Cluster): Promise<void> {
  await until({ what: 'an event of the volume', timeoutMs: 2 * WITHIN_MS + 30_000 }, async () => {
    const events = await api.list<EventObject>(pathOfEvents());
    return events.some(({ reason }) => reason === 'FailedMount');
  });
}

/** The best forgery of what the pod's kubelet would say. */
function aForgery({ metadata, spec }: Pod, agoMs: number): object {
  const at = new Date(Date.now() - agoMs).toISOString().replace(/\.\d+Z$/u, 'Z');
  const { name, namespace, uid } = metadata;
  const host = spec.nodeName ?? 'n1';
  return {
    apiVersion: 'v1',
    kind: 'Event',
    metadata: { generateName: 'forged-', namespace },
    involvedObject: { apiVersion: 'v1', kind: 'Pod', namespace, name, uid },
    type: 'Warning',
    reason: 'FailedCreatePodSandBox',
    message: `Failed to create pod sandbox: rpc error: code = Unknown desc = failed to setup network for sandbox "${'a'.repeat(64)}": ${FAILURE}`,
    source: { component: 'kubelet', host },
    reportingComponent: 'kubelet',
    reportingInstance: host,
    firstTimestamp: at,
    lastTimestamp: at,
    count: 1,
  };
}

/** What the role does not allow: the answers' codes. */
async function tryMore(cluster: Cluster, tenant: Api): Promise<Readonly<Record<string, number>>> {
  const [theirs] = await podsIn(cluster, OTHERS);
  if (theirs === undefined) throw new Error(`no pod is in ${OTHERS}`);
  const status = { status: { conditions: [{ type: 'PodReadyToStartContainers', status: 'False' }] } };
  const target = { kind: 'Node', name: cluster.nodes[0] };
  const binding = { apiVersion: 'v1', kind: 'Binding', metadata: { name: 'gated' }, target };
  const answers: Readonly<Record<string, Answer>> = {
    status: await tenant.request(
      'PATCH',
      `${pathOfPods(NAMESPACE)}/runs/status`,
      status,
      'application/merge-patch+json',
    ),
    binding: await tenant.request('POST', `${pathOfPods(NAMESPACE)}/gated/binding`, binding),
    event: await tenant.request('POST', `/api/v1/namespaces/${OTHERS}/events`, aForgery(theirs, 60_000)),
  };
  return Object.fromEntries(Object.entries(answers).map(([what, answer]) => [what, answer.status]));
}

function pathOfPods(namespace: string): string {
  return `/api/v1/namespaces/${namespace}/pods`;
}

function pathOfEvents(): string {
  return `/api/v1/namespaces/${NAMESPACE}/events`;
}
