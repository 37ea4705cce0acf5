/** The whole gate in a cluster whose every text is an attack: what it prints, writes and hands on. */
import { describe, expect, test } from '@jest/globals';
import type { RawObject } from '../../simulator/cluster.ts';
import { annotationsOf } from '../../src/report/annotations.ts';
import { reportText } from '../../src/report/json.ts';
import { outputsOf } from '../../src/report/outputs.ts';
import { SUMMARY_LIMIT_BYTES, summaryOf } from '../../src/report/summary.ts';
import { aWorld, type Inputs, type Played, play, type World } from '../harness.ts';
import { COMMANDS, CONTROLS, DELIMITERS, MARKUP } from '../report/hostile.ts';
import { schemaProblems } from '../report/report-schema.ts';
import { commandsIn } from '../report/runner-grammar.ts';
import { aBrokenWorld, CALICO, CURE, stampAgo, UNAUTHORIZED_ADD } from './broken-node.ts';
import { failureEvent, hold } from './tenant.ts';

const MINUTE = 60_000;
const EVERYWHERE: Inputs = { ...CURE, namespaces: '', timeout: '3m' };
const ATTACK = ['attack', ...COMMANDS, ...DELIMITERS, ...CONTROLS, ...MARKUP].join('\r\n');
/** What has to stand in a name or a path. */
const NAME = `::error::attack##[group]x\u202E<b>|\`@octocat\`${'\u200B'}`;
const UNSEEN = /[\p{Cc}\p{Cf}\p{Zl}\p{Zp}\p{Cs}\p{Default_Ignorable_Code_Point}]/u;

interface Written {
  readonly log: string;
  readonly report: string;
  readonly summary: string;
  readonly annotations: readonly { readonly title: string; readonly message: string }[];
  readonly outputs: Readonly<Record<string, string>>;
}

/** Everything that a run hands to others, held to what it promises whatever stood in the cluster. */
function writtenBy({ report, log, notReadyPods, restartedNodes }: Played): Written {
  const written = {
    log: log.join('\n'),
    report: reportText(report),
    summary: summaryOf(report, '/tmp/report.json'),
    annotations: annotationsOf(report, { fails: true, problems: [] }),
    outputs: outputsOf(report, notReadyPods, restartedNodes, ''),
  };
  expect(schemaProblems(report)).toEqual([]);
  const lines = [...log, ...written.report.split('\n'), ...written.summary.split('\n')];
  expect(lines.filter((line) => UNSEEN.test(line))).toEqual([]);
  for (const text of [written.log, written.report, ...Object.values(written.outputs)])
    expect(commandsIn(text)).toEqual([]);
  for (const { title, message } of written.annotations) {
    expect(`${title} ${message}`).not.toMatch(UNSEEN);
    expect(message.length).toBeLessThanOrEqual(4_096);
  }
  for (const value of Object.values(written.outputs)) expect(value).not.toMatch(UNSEEN);
  expect(Buffer.byteLength(written.summary)).toBeLessThanOrEqual(SUMMARY_LIMIT_BYTES);
  expect(textsOf(report).filter((text) => Buffer.byteLength(text) > 4_096)).toEqual([]);
  return written;
}

function textsOf(value: unknown): readonly string[] {
  if (typeof value === 'string') return [value];
  if (value === null || typeof value !== 'object') return [];
  return Object.values(value).flatMap(textsOf);
}

const SINCE = (world: World): string => stampAgo(world, 10 * MINUTE);

/** A pod that cannot start, in the words of its kubelet. */
function waitingPod(world: World, name: string, message: string): RawObject {
  const lastTransitionTime = SINCE(world);
  return {
    metadata: {
      name,
      namespace: 'shop',
      creationTimestamp: lastTransitionTime,
      labels: { app: ATTACK },
      annotations: { why: ATTACK },
    },
    spec: { nodeName: 'n2', containers: [{ name: `app${NAME}`, image: ATTACK }] },
    status: {
      phase: 'Pending',
      reason: ATTACK,
      message: ATTACK,
      conditions: [
        { type: 'Ready', status: 'False', reason: ATTACK, message: ATTACK, lastTransitionTime },
        { type: 'PodReadyToStartContainers', status: 'True', lastTransitionTime },
      ],
      containerStatuses: [
        {
          name: `app${NAME}`,
          state: { waiting: { reason: 'ImagePullBackOff', message } },
          lastState: { terminated: { exitCode: 1, reason: ATTACK, message: ATTACK, finishedAt: lastTransitionTime } },
          ready: false,
          restartCount: 1,
          image: ATTACK,
          imageID: ATTACK,
        },
      ],
    },
  };
}

/** Every kind that the gate reads, with an attack in every text; and Calico's failure on n1. */
function aHostileWorld(): World {
  return aBrokenWorld({
    after: (world) => {
      const { cluster, warmUp } = world.sim;
      cluster.put('pods', waitingPod(world, NAME, ATTACK));
      cluster.put('pods', {
        ...waitingPod(world, 'ended', ATTACK),
        status: { phase: 'Failed', reason: ATTACK, message: ATTACK },
      });
      const held = hold(world, { name: `held${NAME}`, namespace: 'shop' });
      warmUp(MINUTE);
      cluster.put('events', failureEvent(world, held, MINUTE));
      for (const reason of ['FailedMount', 'Unhealthy', 'BackOff', 'FailedScheduling', 'SandboxChanged']) {
        for (const pod of cluster.pods('shop')) {
          const event = failureEvent(world, pod);
          cluster.put('events', {
            ...event,
            metadata: { ...event.metadata, name: `${NAME}.${reason}` },
            reason,
            message: ATTACK,
          });
        }
      }
      const lastTransitionTime = SINCE(world);
      const condition = { status: 'True', reason: ATTACK, message: ATTACK, lastTransitionTime };
      const workload = { namespace: 'shop', creationTimestamp: lastTransitionTime };
      cluster.put('deployments', {
        metadata: { ...workload, name: `web${NAME}` },
        spec: {
          replicas: 2,
          selector: { matchLabels: { app: ATTACK } },
          template: { metadata: { labels: { app: ATTACK } }, spec: { containers: [] } },
        },
        status: { observedGeneration: 1, conditions: [{ type: 'ReplicaFailure', ...condition }] },
      });
      cluster.put('jobs', {
        metadata: { ...workload, name: `job${NAME}` },
        spec: { template: { metadata: {}, spec: { containers: [] } } },
        status: { conditions: [{ type: 'Failed', ...condition }] },
      });
      cluster.put('daemonsets', {
        metadata: { ...workload, namespace: `ns${NAME}`, name: `calico${NAME}` },
        spec: {
          selector: {},
          updateStrategy: { type: ATTACK },
          template: { metadata: {}, spec: { containers: [{ name: 'calico-node', image: ATTACK }], volumes: [] } },
        },
        status: { desiredNumberScheduled: 0 },
      });
      cluster.put('nodes', {
        metadata: { name: `node${NAME}`, creationTimestamp: lastTransitionTime },
        spec: {},
        status: { conditions: [{ ...condition, type: 'Ready', status: 'Unknown' }], nodeInfo: {} },
      });
    },
  });
}

describe('a cluster in which every text is an attack', () => {
  test('is judged, healed where that can be, and told without effect', async () => {
    const played = await play(aHostileWorld(), EVERYWHERE);
    const { log, summary, report, annotations } = writtenBy(played);
    expect(played.report.verdict).toBe('unhealthy');
    expect(played.restartedNodes).toEqual(['n1']);
    // The attack was told, as text.
    for (const text of [log, report, summary]) expect(text).toContain('attack');
    expect(annotations.some(({ title, message }) => `${title}${message}`.includes('attack'))).toBe(true);
    const { findings, calico, warnings } = played.report;
    expect(findings.map(({ pod, owner }) => pod ?? owner?.name).join('\n')).toContain('attack');
    expect(calico.nodes[0]?.evidence.map(({ pod }) => pod).join('\n')).toContain('attack');
    expect(warnings.join('\n')).toContain('attack');
  });

  test('is planned for with commands that a shell runs as they stand, whatever the names', async () => {
    const world = aHostileWorld();
    const played = await play(world, { namespaces: '', timeout: '3m' });
    writtenBy(played);
    expect(played.report.calico.nodes).toMatchObject([{ action: 'planned' }]);
    expect(played.report.calico.nodes[0]?.command).toMatch(/^kubectl delete pod -n calico-system calico-node-\w+$/u);
  });

  test('in refusals of the server, too', async () => {
    const world = aWorld();
    world.sim.cluster.createPod({ namespace: 'shop', name: 'web' });
    world.sim.warmUp(MINUTE);
    const body = JSON.stringify({ kind: 'Status', reason: ATTACK, message: ATTACK, code: 403 });
    world.sim.api.faults = ({ path }) => (path.includes('/pods') ? { kind: 'status', status: 403, body } : undefined);
    const played = await play(world, { ...EVERYWHERE, timeout: '60s' });
    expect(writtenBy(played).log).toContain('attack');
    expect(played.report.verdict).toBe('inconclusive');
  });
});

describe('messages of a megabyte', () => {
  const LONG = `${ATTACK}${'🦊'.repeat(250_000)}`;

  test('are cut in every field, and keep nobody from being healed', async () => {
    const world = aBrokenWorld({
      after: ({ sim }) => {
        sim.cluster.createPod({ namespace: 'evil', name: 'pod', nodeName: 'n2', behaviour: { kind: 'imageMissing' } });
        sim.warmUp(MINUTE);
      },
    });
    const { cluster } = world.sim;
    cluster.put('pods', {
      ...waitingPod(world, 'long', LONG),
      metadata: { name: 'long', namespace: 'evil', annotations: { a: LONG } },
    });
    for (const reason of ['FailedMount', 'Failed', 'FailedCreatePodSandBox', 'FailedKillPod', 'Unhealthy']) {
      for (const pod of cluster.pods('evil')) {
        const event = failureEvent(world, pod);
        const name = `${pod.metadata.name}.${reason}`;
        cluster.put('events', { ...event, metadata: { ...event.metadata, name }, reason, message: LONG });
      }
    }
    const played = await play(world, EVERYWHERE);
    const written = writtenBy(played);
    expect(played.restartedNodes).toEqual(['n1']);
    expect(written.report.length).toBeLessThan(100_000);
    expect(played.report.findings.find(({ pod }) => pod === 'long')?.message).toMatch(/…$/u);
    for (const line of played.log) expect(Buffer.byteLength(line)).toBeLessThanOrEqual(4_096);
  });

  test('that JSON makes six times as long, a dozen of them, keep nobody from being healed', async () => {
    const world = aBrokenWorld({});
    const { cluster } = world.sim;
    cluster.createPod({ namespace: 'evil', name: 'pod', nodeName: 'n2' });
    const [pod] = cluster.pods('evil');
    if (pod === undefined) throw new Error('the pod is not there');
    for (let index = 0; index < 12; index += 1) {
      const { metadata, ...event } = failureEvent(world, pod);
      // As many as etcd takes, of a character that JSON writes with six.
      const message = '\u0001'.repeat(1_400_000);
      cluster.put('events', { ...event, metadata: { ...metadata, name: `long-${index}` }, message });
    }
    const played = await play(world, EVERYWHERE);
    expect(played.restartedNodes).toEqual(['n1']);
    expect(played.report.verdict).toBe('healthy');
  });

  test('that begin as the failure’s are not taken for it: their end was not seen', async () => {
    const world = aWorld();
    world.sim.cluster.createPod({ namespace: 'shop', name: 'web', nodeName: 'n2' });
    world.sim.warmUp(MINUTE);
    const pod = hold(world, { name: 'held' });
    world.sim.warmUp(MINUTE);
    world.sim.cluster.put('events', {
      ...failureEvent(world, pod, MINUTE),
      message: `${UNAUTHORIZED_ADD}${' '.repeat(1_000_000)}x`,
    });
    const played = await play(world, EVERYWHERE);
    expect(played.deletes).toEqual([]);
    expect(played.report.calico.detected).toBe(false);
  });
});

describe('ten thousand findings', () => {
  test('are all in the report; log, summary, annotations and outputs are short and point to it', async () => {
    const world = aWorld({ calico: { namespace: CALICO } });
    const count = 10_000;
    for (let index = 0; index < count; index += 1) {
      world.sim.cluster.put('pods', waitingPod(world, `pod-${index}`, `${index} ${NAME}`));
    }
    const played = await play(world, { ...EVERYWHERE, namespaces: 'shop', timeout: '10s' });
    const { summary, annotations, outputs } = writtenBy(played);
    expect(played.report.findings).toHaveLength(count);
    expect(summary).toContain(`… and ${count - 50} more in the report`);
    expect(annotations).toHaveLength(10);
    expect(annotations.at(-1)?.message).toBe(`and ${count - 8} more: see the job summary and the report`);
    expect(JSON.parse(outputs['not-ready-pods'] ?? '')).toHaveLength(50);
    expect(played.log.length).toBeLessThan(300);
    expect(played.log.join('\n')).toMatch(/and \d+ more/u);
  }, 120_000);
});
