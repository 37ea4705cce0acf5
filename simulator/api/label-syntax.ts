/** The words of `apimachinery/pkg/util/validation` about keys and values of labels. */

const NAME = '([A-Za-z0-9][-A-Za-z0-9_.]*)?[A-Za-z0-9]';
const VALUE = `(${NAME})?`;
const SUBDOMAIN = '[a-z0-9]([-a-z0-9]*[a-z0-9])?(\\.[a-z0-9]([-a-z0-9]*[a-z0-9])?)*';
const CHARACTERS =
  "consist of alphanumeric characters, '-', '_' or '.', and must start and end with an alphanumeric character";
const NAME_SYNTAX = `must ${CHARACTERS} (e.g. 'MyName',  or 'my.name',  or '123-abc', regex used for validation is '${NAME}')`;
const VALUE_SYNTAX = `a valid label must be an empty string or ${CHARACTERS} (e.g. 'MyValue',  or 'my_value',  or '12345', regex used for validation is '${VALUE}')`;
const SUBDOMAIN_SYNTAX = `a lowercase RFC 1123 subdomain must consist of lower case alphanumeric characters, '-' or '.', and must start and end with an alphanumeric character (e.g. 'example.com', regex used for validation is '${SUBDOMAIN}')`;
const LONGEST = 63;
const LONGEST_SUBDOMAIN = 253;

function whole(pattern: string): RegExp {
  return new RegExp(`^(?:${pattern})$`);
}

/** Why it is no key, in the server's words; null when it is one (`IsQualifiedName`). */
export function problemOfKey(key: string): string | null {
  const parts = key.split('/');
  if (parts.length > 2) {
    return `a qualified name ${NAME_SYNTAX} with an optional DNS subdomain prefix and '/' (e.g. 'example.com/MyName')`;
  }
  const [name = '', prefix] = parts.toReversed();
  const problems: string[] = [];
  if (prefix === '') problems.push('prefix part must be non-empty');
  else if (prefix !== undefined) {
    if (prefix.length > LONGEST_SUBDOMAIN)
      problems.push(`prefix part must be no more than ${LONGEST_SUBDOMAIN} characters`);
    if (!whole(SUBDOMAIN).test(prefix)) problems.push(`prefix part ${SUBDOMAIN_SYNTAX}`);
  }
  if (name === '') problems.push('name part must be non-empty');
  else if (name.length > LONGEST) problems.push(`name part must be no more than ${LONGEST} characters`);
  if (!whole(NAME).test(name)) problems.push(`name part ${NAME_SYNTAX}`);
  return problems.length === 0 ? null : problems.join('; ');
}

/** Why it is no value, in the server's words; null when it is one (`IsValidLabelValue`). */
export function problemOfValue(value: string): string | null {
  const problems: string[] = [];
  if (value.length > LONGEST) problems.push(`must be no more than ${LONGEST} characters`);
  if (!whole(VALUE).test(value)) problems.push(VALUE_SYNTAX);
  return problems.length === 0 ? null : problems.join('; ');
}
