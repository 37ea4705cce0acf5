import type { Pod } from '../objects/pod.ts';
import type { Symptom } from './symptom.ts';

export function isJobPod(pod: Pod): boolean {
  const { controller } = pod;
  return controller !== null && controller.kind === 'Job' && controller.apiVersion.startsWith('batch/');
}

/**
 * What a pod of a running Job may go through without holding anything back: it has not come far yet, waits for what
 * others do, or made an attempt that failed (the Job decides when it gives up). What no attempt gets past, such as a
 * missing image or a missing network, is trouble all the same.
 */
export function isPartOfRunningJob({ stage, cause, isAttempt = false }: Symptom): boolean {
  if (isAttempt || stage === 'probe' || stage === 'gate') return true;
  return cause === 'SchedulingGated' || cause === 'SandboxSilent' || cause === 'SchedulerSilent';
}
