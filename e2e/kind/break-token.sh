#!/usr/bin/env bash
# Makes the API server reject the token in the CNI kubeconfig of a kind node. usage: break-token.sh NODE
#
# The token is bound to a Secret that is deleted: what becomes of a token that was bound to a calico-node pod when that
# pod goes. It was never used, so no API server has cached that it was good.
set -euo pipefail
node=${1:?usage: break-token.sh NODE}
namespace=$(kubectl get daemonset --all-namespaces --field-selector metadata.name=calico-node \
  --output jsonpath='{.items[0].metadata.namespace}')
secret=gone-$node

kubectl create secret generic "$secret" --namespace "$namespace" >&2
token=$(kubectl create token calico-cni-plugin --namespace "$namespace" \
  --bound-object-kind Secret --bound-object-name "$secret")
kubectl delete secret "$secret" --namespace "$namespace" >&2

# By stdin: nobody sees it among the processes. What is expanded is meant for the node's shell.
# shellcheck disable=SC2016
docker exec --interactive "$node" sh -c '
  set -eu
  file=/etc/cni/net.d/calico-kubeconfig
  read -r token
  grep -q "^ *token: " "$file"
  sed -i "s|^\( *token: \).*|\1$token|" "$file"
' <<<"$token"
echo "the CNI token of $node is rejected from now on"
