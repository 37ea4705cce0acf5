#!/usr/bin/env bash
# Holds the outputs of the action against what kubectl sees: exactly the broken node was found, its calico-node pod and
# no other is a new one, and every pod of the deploy is ready. usage: check-cure.sh NODE FILE
# FILE is what calico-nodes.sh printed before. Environment: OUTCOME, VERDICT, AFFECTED, RESTARTED.
set -euo pipefail
here=$(dirname -- "${BASH_SOURCE[0]}")
usage='usage: check-cure.sh NODE FILE'
node=${1:?$usage}
before=${2:?$usage}
failed=0

# expect WHAT WANTED SEEN
expect() {
  if [[ $2 == "$3" ]]; then
    echo "ok: $1 is $3"
  else
    echo "NOT ok: $1 is $3 instead of $2"
    failed=1
  fi
}

expect 'the outcome of the step' success "${OUTCOME:-}"
expect 'the verdict' healthy "${VERDICT:-}"
expect 'affected-nodes' "[\"$node\"]" "${AFFECTED:-}"
expect 'restarted-nodes' "[\"$node\"]" "${RESTARTED:-}"

changed=$(comm -13 "$before" <("$here/calico-nodes.sh") | cut -d ' ' -f 1)
expect 'the node with a new calico-node pod' "$node" "$changed"

not_ready=$(kubectl get pods --namespace shop \
  --output jsonpath='{range .items[*]}{.metadata.name}{" "}{.status.conditions[?(@.type=="Ready")].status}{"\n"}{end}' |
  grep -v ' True$' || true)
expect 'the list of pods that are not ready' '' "$not_ready"
exit "$failed"
