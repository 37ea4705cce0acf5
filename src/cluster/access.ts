/** One right that the settings need: verbs on a resource, in one namespace or in all. */
export interface Need {
  readonly group: '' | 'apps' | 'batch';
  /** With its subresource: `pods`, `pods/log`. */
  readonly resource: string;
  readonly verbs: readonly string[];
  /** null: in all namespaces, or a resource that has none. */
  readonly namespace: string | null;
  /** What is lost without it, one clause: `the verdict can only be inconclusive`. */
  readonly costs: string;
}

export interface AccessReport {
  /** Rights that are missing, with the exact rule to add. */
  readonly missing: readonly { readonly need: Need; readonly rule: string; readonly costs: string }[];
  /** Rights that could not be reviewed (the review itself was refused or failed), and why. */
  readonly unknown: readonly { readonly need: Need; readonly why: string }[];
}
