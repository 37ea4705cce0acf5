import { expect, test } from '@jest/globals';
import { ago, anEvent, anUnboundPod, MINUTE, SECOND } from '../builders.ts';
import { type Row, testRows } from './ladder-rows.ts';
import { fatalAfterMs } from './pod-looks.ts';

const scheduling: readonly Row[] = [
  {
    when: 'scheduling gates hold it back',
    pod: anUnboundPod('SchedulingGated', 'Scheduling is blocked due to non-empty scheduling gates'),
    stage: 'scheduling',
    cause: 'SchedulingGated',
    fatalAfterMs: null,
    message: 'non-empty scheduling gates',
  },
  {
    when: 'no node can take it',
    pod: anUnboundPod('Unschedulable', '0/2 nodes are available: 2 Insufficient cpu.'),
    stage: 'scheduling',
    cause: 'Unschedulable',
    fatalAfterMs: 5 * MINUTE,
    message: '0/2 nodes are available',
  },
  {
    when: 'the scheduler fails',
    pod: anUnboundPod('SchedulerError', 'binding rejected'),
    stage: 'scheduling',
    cause: 'Unschedulable',
    fatalAfterMs: 5 * MINUTE,
    message: 'SchedulerError: binding rejected',
  },
  {
    when: 'preemption clears a node for it',
    pod: anUnboundPod('Unschedulable', '0/2 nodes are available', { nominatedNodeName: 'n2' }),
    stage: 'scheduling',
    cause: 'Unschedulable',
    fatalAfterMs: null,
    message: 'it is to take node n2',
  },
  {
    when: 'the scheduler has a reason that is not known here',
    pod: anUnboundPod('SomethingNew', 'the moon is full'),
    stage: 'scheduling',
    cause: 'Unknown',
    fatalAfterMs: 3 * MINUTE,
    message: 'PodScheduled is False: SomethingNew: the moon is full',
  },
  {
    when: 'no scheduler has looked at it',
    pod: anUnboundPod('', '', { conditions: [], phase: 'Pending' }),
    stage: 'scheduling',
    cause: 'SchedulerSilent',
    fatalAfterMs: 3 * MINUTE,
    message: 'no scheduler',
  },
];

testRows('a pod without a node', scheduling);

test('an autoscaler that makes a node stops the clock, one that cannot help does not', () => {
  const pod = anUnboundPod('Unschedulable', '0/2 nodes are available');
  const scaleUp = anEvent(pod, {
    reason: 'TriggeredScaleUp',
    message: 'pod triggered scale-up',
    lastAtMs: ago(MINUTE),
  });
  const noHelp = anEvent(pod, { reason: 'NotTriggerScaleUp', message: 'max size reached', lastAtMs: ago(SECOND) });
  expect(fatalAfterMs(pod, { events: [scaleUp] })).toBeNull();
  expect(fatalAfterMs(pod, { events: [scaleUp, noHelp] })).toBe(5 * MINUTE);
});
