import type { Condition, EventObject, Pod } from '../../simulator/objects.ts';
import { createSimulator, type Simulator, type SimulatorOptions } from '../../simulator/simulator.ts';
import { createVirtualClock, type VirtualClock } from '../../simulator/virtual-clock.ts';

/** A simulator on a virtual clock of its own, and short ways to look at it. */
export interface Stage {
  readonly clock: VirtualClock;
  readonly sim: Simulator;
  /** Lets time pass. */
  readonly pass: (ms: number) => Promise<void>;
  readonly pods: (app: string, namespace?: string) => readonly Pod[];
  readonly events: (reason: string, pod?: string) => readonly EventObject[];
}

export function stage(options: SimulatorOptions = {}): Stage {
  const clock = createVirtualClock();
  const sim = createSimulator({ clock, ...options });
  return {
    clock,
    sim,
    pass: clock.advance,
    pods: (app, namespace = 'shop') => sim.cluster.pods(namespace).filter((pod) => pod.metadata.labels?.app === app),
    events: (reason, pod) =>
      sim.cluster
        .events()
        .filter((event) => event.reason === reason && (pod === undefined || event.involvedObject.name === pod)),
  };
}

export function condition(pod: Pod | undefined, type: string): Condition | undefined {
  return pod?.status.conditions?.find((entry) => entry.type === type);
}

export function isReady(pod: Pod | undefined): boolean {
  return condition(pod, 'Ready')?.status === 'True';
}

/** What `kubectl get pods` would sum up: phase, Ready, and what the first container waits for. */
export function summary(pod: Pod): string {
  const state = pod.status.containerStatuses?.[0]?.state;
  const waiting = state?.waiting?.reason ?? state?.terminated?.reason ?? '';
  return [pod.status.phase, isReady(pod) ? 'ready' : 'not ready', waiting].filter((part) => part !== '').join(' ');
}
