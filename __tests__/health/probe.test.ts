import {
  aCondition,
  aContainer,
  ago,
  aLostNode,
  aNotReadyPod,
  anEvent,
  aPod,
  MINUTE,
  SECOND,
  terminated,
  waiting,
} from '../builders.ts';
import { podWaiting, podWith, type Row, testRows } from './ladder-rows.ts';

const probe = { initialDelayMs: 0, periodMs: 2 * SECOND, failureThreshold: 3, asks: 'GET :8080/ready' } as const;

const probesAndRest: readonly Row[] = [
  {
    when: 'its readiness probe fails',
    pod: podWith({ readinessProbe: probe }),
    look: {
      events: [
        anEvent(aPod(), { message: 'Readiness probe failed: connection refused' }),
        anEvent(aPod(), { message: 'Liveness probe failed: not this one', lastAtMs: ago(SECOND) }),
      ],
    },
    stage: 'probe',
    cause: 'NotReady',
    fatalAfterMs: null,
    message:
      '0 of 1 containers ready; container app runs and is not ready, readiness probe GET :8080/ready: Readiness probe failed: connection refused',
  },
  {
    when: 'its startup probe has not passed',
    pod: podWith({ started: false, startupProbe: probe }),
    look: { events: [anEvent(aPod(), { message: 'Startup probe failed: connection refused' })] },
    stage: 'probe',
    cause: 'NotStarted',
    fatalAfterMs: null,
    message: 'startup probe GET :8080/ready: Startup probe failed: connection refused',
  },
  {
    when: 'its init container runs',
    pod: aNotReadyPod({
      containers: [
        aContainer({ name: 'migrate', role: 'init', ready: false }),
        aContainer({ state: waiting('PodInitializing') }),
      ],
    }),
    stage: 'probe',
    cause: 'NotStarted',
    fatalAfterMs: null,
    message: 'init container migrate has not finished',
  },
  {
    when: 'it has its sandbox and its image is on the way',
    pod: podWaiting('ContainerCreating'),
    stage: 'probe',
    cause: 'NotStarted',
    fatalAfterMs: null,
    message: 'container app is being created',
  },
  {
    when: 'one of its containers has completed',
    pod: aNotReadyPod({
      restartPolicy: 'OnFailure',
      containers: [
        aContainer({ name: 'a', state: terminated({ exitCode: 0, reason: 'Completed' }) }),
        aContainer({ name: 'b' }),
      ],
    }),
    stage: 'probe',
    cause: 'NotReady',
    fatalAfterMs: null,
    message: '1 of 2 containers ready; container a has completed',
  },
  {
    when: 'a readiness gate is closed',
    pod: aPod({
      readinessGates: ['example.com/lb'],
      conditions: [
        aCondition('PodReadyToStartContainers', 'True'),
        aCondition('ContainersReady', 'True'),
        aCondition('Ready', 'False', {
          reason: 'ReadinessGatesNotReady',
          message: 'corresponding condition of pod readiness gate "example.com/lb" does not exist.',
        }),
      ],
    }),
    stage: 'gate',
    cause: 'ReadinessGate',
    fatalAfterMs: null,
    message: '"example.com/lb" does not exist',
  },
  {
    when: 'its node is lost',
    pod: aNotReadyPod({ containers: [aContainer()], conditions: [aCondition('Ready', 'False')] }),
    look: { node: aLostNode() },
    stage: 'node',
    cause: 'NodeNotReady',
    fatalAfterMs: 5 * MINUTE,
    message: 'node n1 is not ready: NodeStatusUnknown: Kubelet stopped posting node status.',
  },
  {
    when: 'its phase is Unknown',
    pod: aNotReadyPod({ phase: 'Unknown' }),
    look: { node: null, nodesReadable: false },
    stage: 'node',
    cause: 'NodeNotReady',
    fatalAfterMs: 5 * MINUTE,
    message: 'node n1 does not report',
  },
  {
    when: 'its node does not exist any more',
    pod: aNotReadyPod(),
    look: { node: null },
    stage: 'node',
    cause: 'NodeNotReady',
    fatalAfterMs: 5 * MINUTE,
    message: 'node n1 does not exist',
  },
  {
    when: 'only the missing reason tells that its node may be lost, for nodes may not be read',
    pod: aPod({ conditions: [aCondition('Ready', 'False'), aCondition('ContainersReady', 'True')] }),
    look: { node: null, nodesReadable: false },
    stage: 'node',
    cause: 'Unknown',
    fatalAfterMs: 5 * MINUTE,
    message: 'node n1 may have stopped reporting',
  },
  {
    when: 'a container waits for a reason that is not known here',
    pod: podWaiting('QuantumError', 'entangled'),
    stage: 'start',
    cause: 'Unknown',
    fatalAfterMs: 3 * MINUTE,
    message: 'container app: QuantumError: entangled',
  },
  {
    when: 'Ready is False for a reason that is not known here',
    pod: aPod({ conditions: [aCondition('Ready', 'False', { reason: 'Eclipse', message: 'too dark' })] }),
    stage: 'probe',
    cause: 'Unknown',
    fatalAfterMs: 3 * MINUTE,
    message: 'Ready is False: Eclipse: too dark',
  },
  {
    when: 'it has no Ready condition though its containers are ready',
    pod: aPod({ conditions: [] }),
    stage: 'probe',
    cause: 'Unknown',
    fatalAfterMs: 3 * MINUTE,
    message: 'it has no Ready condition',
  },
];

testRows('a pod whose containers run', probesAndRest);
