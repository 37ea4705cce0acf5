import { readFileSync } from 'node:fs';
import type { DaemonSet, PodTemplate } from '../simulator/workload-objects.ts';
import type { Pod } from '../simulator/objects.ts';
import { type Api, connectApi } from './api.ts';
import { CALICO_NAMESPACE, CALICO_NODE } from './calico/install.ts';
import { AUDIT_LOG } from './cluster/control-plane.ts';
import { kubeconfigOf } from './cluster/credentials.ts';
import { runOnNode } from './cluster/node.ts';
import { inCluster } from './cluster/places.ts';
import { until } from './cluster/processes.ts';
import { isOwn } from './cluster/state.ts';

/** The cluster that the scenarios run on. */
export interface Cluster {
  /** As its administrator. */
  readonly api: Api;
  /** For the gate: on our own cluster a user of its own with every right, elsewhere the administrator. */
  readonly kubeconfig: string;
  /** Whether it is the one that `e2e/run.ts` made: only there may nodes, processes and files be touched. */
  readonly own: boolean;
  readonly runOnNode: (node: string, script: string, input?: string) => Promise<string>;
}
