/**
 * What all slim objects share. Slim: only the fields that decisions need are kept (ten thousand pods must fit into a
 * few megabytes). All times are ms since the epoch; a time that the object does not have is `null`.
 */
export interface ControllerReference {
  readonly apiVersion: string;
  readonly kind: string;
  readonly name: string;
  readonly uid: string;
}

export interface Condition {
  readonly type: string;
  /** `True`, `False`, `Unknown`, or whatever else a server sends. */
  readonly status: string;
  readonly reason: string;
  readonly message: string;
  readonly lastTransitionAtMs: number | null;
  /** Only Deployments have it (`lastUpdateTime`). */
  readonly lastUpdateAtMs: number | null;
}

export interface Metadata {
  readonly namespace: string;
  readonly name: string;
  readonly uid: string;
  readonly resourceVersion: string;
  /** Set by the API server. */
  readonly createdAtMs: number;
  /** `deletionTimestamp`: set by the API server, includes the grace period; null while nobody has deleted the object. */
  readonly deletionAtMs: number | null;
  readonly finalizers: readonly string[];
  /** The ownerReference with `controller: true`, or null. */
  readonly controller: ControllerReference | null;
}

/** The condition of that type, or null when the object does not have it (absent is not False). */
export function conditionOf(conditions: readonly Condition[], type: string): Condition | null {
  return conditions.find((condition) => condition.type === type) ?? null;
}

/** `namespace/name`, as kubectl and the report write it. */
export function fullName(object: { readonly namespace: string; readonly name: string }): string {
  return `${object.namespace}/${object.name}`;
}
