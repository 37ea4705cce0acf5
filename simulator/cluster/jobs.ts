import { type Condition, controllerOf, type Pod } from '../objects.ts';
import type { Job } from '../workload-objects.ts';
import { isPodReady } from './conditions.ts';
import { type ClusterContext, controlledBy, nowStamp } from './context.ts';
import { podFrom } from './pod-template.ts';
import { createWorkQueue, type WorkQueue } from './work-queue.ts';

const SOURCE = { component: 'job-controller' };
const KIND = { kind: 'Job', apiVersion: 'batch/v1' } as const;
/** job_controller.go: 10 s after the first failure, doubled up to 10 minutes. */
const BACK_OFF_MS = 10_000;
const BACK_OFF_MAX_MS = 600_000;

function finished(job: Job): Condition | undefined {
  return job.status.conditions?.find(
    (condition) => (condition.type === 'Complete' || condition.type === 'Failed') && condition.status === 'True',
  );
}

/** The Job controller (`pkg/controller/job`): attempts until enough succeeded or too many failed. */
export function createJobController(context: ClusterContext): WorkQueue {
  const { database, events, random, managed, world } = context;
  /** When the last failure of a Job was seen. */
  const failedAt = new Map<string, { readonly count: number; readonly atMs: number }>();

  const create = (job: Job): void => {
    const { namespace = '', name } = job.metadata;
    const pod = podFrom(context, job.spec.template, {
      name: `${name}-${random.suffix()}`,
      generateName: `${name}-`,
      namespace,
      ownerReferences: controlledBy(job, 'Job', 'batch/v1'),
    });
    managed.add(pod.metadata.uid);
    database.put('pods', pod);
    events.record(SOURCE, {
      ...KIND,
      about: job,
      type: 'Normal',
      reason: 'SuccessfulCreate',
      message: `Created pod: ${pod.metadata.name}`,
    });
  };

  const condition = (type: string, reason: string, message: string): Condition => {
    const stamp = nowStamp(context);
    return { type, status: 'True', lastProbeTime: stamp, lastTransitionTime: stamp, reason, message };
  };

  const complete = (): readonly Condition[] => [
    condition('SuccessCriteriaMet', 'CompletionsReached', 'Reached expected number of succeeded pods'),
    condition('Complete', 'CompletionsReached', 'Reached expected number of succeeded pods'),
  ];
  const fail = (): readonly Condition[] => [
    condition('FailureTarget', 'BackoffLimitExceeded', 'Job has reached the specified backoff limit'),
    condition('Failed', 'BackoffLimitExceeded', 'Job has reached the specified backoff limit'),
  ];

  /** Restarts count as failures where the pod itself tries again. */
  const failuresOf = (pods: readonly Pod[]): number => {
    const ended = pods.filter((pod) => pod.status.phase === 'Failed').length;
    const restarts = pods
      .filter((pod) => pod.spec.restartPolicy === 'OnFailure')
      .flatMap((pod) => [...(pod.status.containerStatuses ?? [])])
      .reduce((sum, status) => sum + status.restartCount, 0);
    return ended + restarts;
  };

  const look = (key: string): void => {
    const [namespace, name = ''] = key.split('/');
    const job = database.get('jobs', namespace, name);
    if (!job || !managed.has(job.metadata.uid) || job.metadata.deletionTimestamp !== undefined) return;
    const over = finished(job);
    if (over) {
      expire(job, over);
      return;
    }
    const pods = database.ownedBy('pods', job.metadata.uid);
    const active = pods.filter(
      (pod) =>
        pod.status.phase !== 'Failed' &&
        pod.status.phase !== 'Succeeded' &&
        pod.metadata.deletionTimestamp === undefined,
    );
    const succeeded = pods.filter((pod) => pod.status.phase === 'Succeeded').length;
    const failures = failuresOf(pods);
    const wanted = job.spec.completions ?? job.spec.parallelism;
    let conditions = job.status.conditions ?? [];
    if (failures > job.spec.backoffLimit) {
      for (const pod of active) database.delete('pods', pod);
      conditions = fail();
      events.record(SOURCE, {
        ...KIND,
        about: job,
        type: 'Warning',
        reason: 'BackoffLimitExceeded',
        message: 'Job has reached the specified backoff limit',
      });
    } else if (succeeded >= wanted) {
      conditions = complete();
      events.record(SOURCE, { ...KIND, about: job, type: 'Normal', reason: 'Completed', message: 'Job completed' });
    } else if (job.spec.suspend === true) {
      for (const pod of active) database.delete('pods', pod);
    } else {
      start(job, key, active.length, wanted - succeeded, failures);
    }
    writeStatus(job, conditions);
  };

  const start = (job: Job, key: string, active: number, open: number, failures: number): void => {
    const known = failedAt.get(job.metadata.uid) ?? { count: 0, atMs: 0 };
    if (failures > known.count) failedAt.set(job.metadata.uid, { count: failures, atMs: world.nowMs() });
    const last = failedAt.get(job.metadata.uid);
    const untilMs = last ? last.atMs + Math.min(BACK_OFF_MS * 2 ** (last.count - 1), BACK_OFF_MAX_MS) : 0;
    if (untilMs > world.nowMs()) {
      queue.add(key, untilMs - world.nowMs());
      return;
    }
    for (let index = active; index < Math.min(job.spec.parallelism, open); index += 1) create(job);
  };

  const writeStatus = (job: Job, conditions: readonly Condition[]): void => {
    const pods = database.ownedBy('pods', job.metadata.uid);
    const active = pods.filter(
      (pod) =>
        pod.status.phase !== 'Failed' &&
        pod.status.phase !== 'Succeeded' &&
        pod.metadata.deletionTimestamp === undefined,
    );
    const count = (phase: string): number => pods.filter((pod) => pod.status.phase === phase).length;
    const written = database.update('jobs', job, (current) => {
      const stamp = nowStamp(context);
      const done = conditions.some((entry) => entry.type === 'Complete');
      const status: Job['status'] = {
        ...(conditions.length === 0 ? {} : { conditions }),
        startTime: current.status.startTime ?? stamp,
        ...(done ? { completionTime: current.status.completionTime ?? stamp } : {}),
        ...(active.length === 0 ? {} : { active: active.length }),
        ...(count('Succeeded') === 0 ? {} : { succeeded: count('Succeeded') }),
        ...(count('Failed') === 0 ? {} : { failed: count('Failed') }),
        terminating: pods.filter((pod) => pod.metadata.deletionTimestamp !== undefined).length,
        uncountedTerminatedPods: {},
        ready: active.filter(isPodReady).length,
      };
      return JSON.stringify(status) === JSON.stringify(current.status) ? current : { ...current, status };
    });
    const over = written && finished(written);
    if (written && over) expire(written, over);
  };

  const expire = (job: Job, over: Condition): void => {
    const { ttlSecondsAfterFinished } = job.spec;
    if (ttlSecondsAfterFinished === undefined) return;
    const leftMs = Date.parse(over.lastTransitionTime ?? '') + ttlSecondsAfterFinished * 1000 - world.wallMs();
    world.after(Math.max(0, leftMs), () => {
      const current = database.get('jobs', job.metadata.namespace, job.metadata.name);
      if (current?.metadata.uid === job.metadata.uid) database.delete('jobs', current);
    });
  };

  const queue = createWorkQueue(context, look);
  database.onChange('jobs', (type, job, before) => {
    if (type !== 'DELETED' && managed.has(job.metadata.uid) && job.spec !== before?.spec)
      queue.add(`${job.metadata.namespace}/${job.metadata.name}`);
  });
  database.onChange('pods', (_type, pod) => {
    const owner = controllerOf(pod);
    if (owner?.kind === 'Job' && managed.has(owner.uid)) queue.add(`${pod.metadata.namespace}/${owner.name}`);
  });
  return queue;
}
