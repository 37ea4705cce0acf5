/**
 * Every waiting time, patience and limit of the gate that is not an input. One readonly object, passed to `runGate`;
 * the built action has no switch that changes it. Patience per cause stands in `health/causes.ts`.
 */
export interface Timing {
  /** Two observations of a pod are at least this far apart. */
  readonly observationGapMs: number;
  /** How often the picture is assessed when nothing changes: clocks go on even when objects do not. */
  readonly tickMs: number;
  /** Shortest time between two assessments: a thousand updates a second are one picture. */
  readonly assessGapMs: number;
  /** "While waiting, a line at least every 30 s." */
  readonly heartbeatMs: number;

  /** A Terminating pod is overdue this long after its `deletionTimestamp`. */
  readonly overdueSlackMs: number;
  /** Too few pods, or a namespace that does not exist: patience. */
  readonly tooFewPodsMs: number;
  /** A pod added to a workload that was complete with the same template has this long before it counts. */
  readonly addedPodMs: number;
  /** A crash looping pod: this many abnormal ends, the last one this recent, until Ready for so long. */
  readonly crashLoopEnds: number;
  readonly crashLoopRecentMs: number;
  readonly crashLoopReadyMs: number;
  /** DaemonSets are measured on nodes older than this. */
  readonly eligibleNodeAgeMs: number;
  /** At the deadline, trouble counts if it was seen within this time. */
  readonly recentEvidenceMs: number;
  /** A confirmation that did not succeed is not asked for again sooner: the lists go on trying by themselves. */
  readonly confirmAgainMs: number;
  /** A gap in the view longer than this begins the windows anew. */
  readonly viewGapMs: number;
  /**
   * After such a gap, or an outage of any length, nothing is decided for so long but at the deadline: the API server may
   * have been away for the kubelets, too, which try to write a status again every 10 s (kubelet/status/status_manager.go:
   * syncPeriod).
   */
  readonly catchUpMs: number;
  /**
   * When the gate's own machine stood still for longer (suspended, migrated), its picture is that of before: more than a
   * busy one takes between two looks.
   */
  readonly standstillMs: number;
  /** A 403 on something that worked before is retried this long before it counts. */
  readonly forbiddenRetryMs: number;

  /** Calico's failure: stuck for at least this long before it is proof. */
  readonly calicoStuckMs: number;
  /** Calico's failure heals by itself within this time after a reboot; then it is fatal where nothing may be restarted. */
  readonly calicoPatienceMs: number;
  /** A volume event of the pod within this time: it waits for a volume (the kubelet retries within 2 min 2 s). */
  readonly volumeEventMs: number;
  /** A sandbox this long after the last matching event is a sign that the node is well (tokens are cached 10 s). */
  readonly wellSandboxAfterMs: number;
  /** How long to wait from such a sandbox before it is void (three kubelet retries). */
  readonly wellSandboxWaitMs: number;
  /** `install-cni` ended less than this ago: somebody just restarted it (two kubelet retries). */
  readonly justInstalledMs: number;
  /** Another pod of the DaemonSet became not ready within this time: wait. */
  readonly siblingNotReadyMs: number;
  /** A failure that began after the present calico-node pod is new when its `install-cni` ended this long ago. */
  readonly newFailureMs: number;
  /** A matching event this much newer than `install-cni`'s end refutes the cure (attempts begun with the old token report late). */
  readonly refuteAfterMs: number;
  /** No restart begins with less than the smaller of this and `restart-timeout` left. */
  readonly leastTimeForRestartMs: number;

  /** A run that ends for lack of a right waits this long for the reviews of the other rights. */
  readonly lateReviewsMs: number;

  /** After a cancellation or at the deadline everything that is left must end within this time. */
  readonly shutdownMs: number;
}

export const TIMING: Timing = {
  observationGapMs: 2_000,
  tickMs: 1_000,
  assessGapMs: 200,
  heartbeatMs: 30_000,

  overdueSlackMs: 30_000,
  tooFewPodsMs: 60_000,
  addedPodMs: 60_000,
  crashLoopEnds: 3,
  crashLoopRecentMs: 600_000,
  crashLoopReadyMs: 60_000,
  eligibleNodeAgeMs: 300_000,
  recentEvidenceMs: 60_000,
  confirmAgainMs: 5_000,
  viewGapMs: 5_000,
  catchUpMs: 15_000,
  standstillMs: 10_000,
  forbiddenRetryMs: 30_000,

  calicoStuckMs: 30_000,
  calicoPatienceMs: 120_000,
  volumeEventMs: 130_000,
  wellSandboxAfterMs: 15_000,
  wellSandboxWaitMs: 45_000,
  justInstalledMs: 30_000,
  siblingNotReadyMs: 300_000,
  newFailureMs: 1_800_000,
  refuteAfterMs: 5_000,
  leastTimeForRestartMs: 60_000,

  lateReviewsMs: 2_000,

  shutdownMs: 4_000,
};
