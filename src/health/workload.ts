import type { Workload } from '../objects/workload.ts';
import { judgeDaemonSet } from './daemon-set.ts';
import { judgeDeployment } from './deployment.ts';
import { judgeJob } from './job.ts';
import type { RollOut, WorkloadContext } from './roll-out.ts';
import { judgeStatefulSet } from './stateful-set.ts';

/**
 * How far a workload is carried out: rolled out, not just ready. Pure; never throws on what a server may send. A
 * result that is not carried out has a trouble of its own, or its pods' findings explain it.
 */
export function judgeWorkload(workload: Workload, context: WorkloadContext): RollOut {
  switch (workload.kind) {
    case 'Deployment':
      return judgeDeployment(workload, context);
    case 'StatefulSet':
      return judgeStatefulSet(workload, context);
    case 'DaemonSet':
      return judgeDaemonSet(workload, context);
    case 'Job':
      return judgeJob(workload, context);
  }
}
