/**
 * The syntax of names and labels, from apimachinery/pkg/util/validation/validation.go (`IsQualifiedName`,
 * `IsValidLabelValue`, `IsDNS1123Label`, `IsDNS1123Subdomain`). All of it is ASCII, so lengths are bytes, too.
 */
const MAX_LABEL_LENGTH = 63;
const MAX_SUBDOMAIN_LENGTH = 253;

const QUALIFIED_NAME = /^[A-Za-z0-9](?:[A-Za-z0-9_.-]*[A-Za-z0-9])?$/;
const DNS_LABEL = /^[a-z0-9](?:[a-z0-9-]*[a-z0-9])?$/;
const DNS_SUBDOMAIN = /^[a-z0-9](?:[a-z0-9-]*[a-z0-9])?(?:\.[a-z0-9](?:[a-z0-9-]*[a-z0-9])?)*$/;

/** A label's key: a name of at most 63 characters, optionally behind a DNS subdomain and a slash. */
export function isLabelKey(text: string): boolean {
  const [first = '', second, ...more] = text.split('/');
  if (more.length > 0) return false;
  if (second === undefined) return isQualifiedName(first);
  return first.length <= MAX_SUBDOMAIN_LENGTH && DNS_SUBDOMAIN.test(first) && isQualifiedName(second);
}

function isQualifiedName(text: string): boolean {
  return text.length <= MAX_LABEL_LENGTH && QUALIFIED_NAME.test(text);
}

/** A label's value: empty, or at most 63 characters with a letter or digit at both ends. */
export function isLabelValue(text: string): boolean {
  return text === '' || isQualifiedName(text);
}

/** What a namespace may be called: lower case letters, digits and inner hyphens, at most 63. */
export function isNamespaceName(text: string): boolean {
  return text.length <= MAX_LABEL_LENGTH && DNS_LABEL.test(text);
}
