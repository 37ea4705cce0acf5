import { ANONYMOUS, type Permissions } from './access.ts';
import { type Answer, jsonAnswer, statusAnswer } from './answer.ts';
import type { Resource } from './resources.ts';
import { type AccessAttributes, type FieldProblem, statusErrors } from './status-errors.ts';

const GROUP = 'authorization.k8s.io';
const PATH = /^\/apis\/authorization\.k8s\.io\/v1\/(selfsubjectaccessreviews|selfsubjectrulesreviews)$/;
const VERBS = ['get', 'list', 'watch', 'delete'] as const;

export interface Reviewed {
  readonly user: string;
  readonly permissions: Permissions;
  readonly resources: readonly Resource[];
}

/** Whether a path is one of the reviews, by which somebody asks for rights of his own. */
export function reviewOf(path: string): string | undefined {
  return PATH.exec(path)?.[1];
}

/** Answers a review; everybody who is known may ask (`rbac/bootstrappolicy`, system:basic-user). */
export function review(plural: string, body: string | undefined, reviewed: Reviewed): Answer {
  const { user } = reviewed;
  if (user === ANONYMOUS) {
    return statusAnswer(statusErrors.forbidden({ user, verb: 'create', group: GROUP, resource: plural }));
  }
  const kind = plural === 'selfsubjectaccessreviews' ? 'SelfSubjectAccessReview' : 'SelfSubjectRulesReview';
  let sent: { readonly kind?: string; readonly apiVersion?: string; readonly spec?: unknown };
  try {
    sent = JSON.parse(body ?? '') as typeof sent;
  } catch (error) {
    const words = error instanceof Error ? error.message : String(error);
    const why = `the object provided is unrecognized (must be of type ${kind}): couldn't get version/kind; json parse error: ${words}`;
    return statusAnswer(statusErrors.badRequest(why));
  }
  if (sent.kind !== undefined && sent.kind !== kind) {
    const why = `${sent.kind} in version "${sent.apiVersion}" cannot be handled as a ${kind}`;
    return statusAnswer(statusErrors.badRequest(why));
  }
  return kind === 'SelfSubjectAccessReview'
    ? accessReview(sent.spec ?? {}, reviewed)
    : rulesReview((sent.spec ?? {}) as { readonly namespace?: string }, reviewed);
}

interface AccessSpec {
  readonly resourceAttributes?: Partial<AccessAttributes>;
  readonly nonResourceAttributes?: object;
}

function accessReview(spec: AccessSpec, { user, permissions }: Reviewed): Answer {
  const { resourceAttributes: asked, nonResourceAttributes } = spec;
  const problem = problemOf(spec);
  if (problem !== undefined) return statusAnswer(statusErrors.invalid({ group: GROUP }, [problem]));
  const allowed =
    nonResourceAttributes !== undefined ||
    permissions({
      user,
      verb: asked?.verb ?? '',
      group: asked?.group ?? '',
      resource: asked?.resource ?? '',
      ...(asked?.subresource ? { subresource: asked.subresource } : {}),
      ...(asked?.namespace ? { namespace: asked.namespace } : {}),
      ...(asked?.name ? { name: asked.name } : {}),
    });
  return jsonAnswer(201, {
    kind: 'SelfSubjectAccessReview',
    apiVersion: `${GROUP}/v1`,
    metadata: {},
    spec,
    status: allowed
      ? { allowed: true, reason: `RBAC: allowed by ClusterRoleBinding "gate" of ClusterRole "gate" to User "${user}"` }
      : { allowed: false },
  });
}

/** `kubernetes/pkg/apis/authorization/validation`. */
function problemOf({ resourceAttributes, nonResourceAttributes }: AccessSpec): FieldProblem | undefined {
  const reason = 'FieldValueInvalid';
  if (resourceAttributes === undefined && nonResourceAttributes === undefined) {
    const message = 'Invalid value: null: exactly one of nonResourceAttributes or resourceAttributes must be specified';
    return { field: 'spec.resourceAttributes', reason, message };
  }
  if (resourceAttributes !== undefined && nonResourceAttributes !== undefined) {
    const message = 'cannot be specified in combination with resourceAttributes';
    return { field: 'spec.nonResourceAttributes', reason, message: `Invalid value: ${message}` };
  }
  return undefined;
}

/** Rules that say what `permissions` would: one for each resource of which anything is allowed. */
function rulesReview({ namespace }: { readonly namespace?: string }, reviewed: Reviewed): Answer {
  if (!namespace) return statusAnswer(statusErrors.badRequest('no namespace on request'));
  const { user, permissions, resources } = reviewed;
  const rules = resources.flatMap(({ group, plural, namespaced }) => {
    const place = namespaced ? { namespace } : {};
    const verbs = VERBS.filter((verb) => permissions({ user, verb, group, resource: plural, ...place }));
    return verbs.length === 0 ? [] : [{ verbs, apiGroups: [group], resources: [plural] }];
  });
  const reviews = ['selfsubjectaccessreviews', 'selfsubjectrulesreviews'];
  return jsonAnswer(201, {
    kind: 'SelfSubjectRulesReview',
    apiVersion: `${GROUP}/v1`,
    metadata: {},
    spec: {},
    status: {
      resourceRules: [{ verbs: ['create'], apiGroups: [GROUP], resources: reviews }, ...rules],
      nonResourceRules: [{ verbs: ['get'], nonResourceURLs: ['/healthz', '/livez', '/readyz', '/version'] }],
      incomplete: false,
    },
  });
}
