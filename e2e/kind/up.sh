#!/usr/bin/env bash
# Makes a kind cluster with the real Calico in it, and loads the suite's image. usage: up.sh operator|manifest VERSION
# KUBECONFIG says where its kubeconfig goes. "kind delete cluster --name calico-health-gate" takes it down.
set -euo pipefail
cd -- "$(dirname -- "${BASH_SOURCE[0]}")/../.."
usage='usage: KUBECONFIG=FILE up.sh operator|manifest VERSION'
install=${1:?$usage}
version=${2:?$usage}
: "${KUBECONFIG:?$usage}"
case $install in
  operator | manifest) ;;
  *)
    echo "$usage" >&2
    exit 64
    ;;
esac
cluster=calico-health-gate

# A Go module: its content is checked against the checksum database.
tools=$(mktemp -d)
trap 'rm -rf -- "$tools"' EXIT
GOBIN=$tools go install sigs.k8s.io/kind@v0.31.0

"$tools/kind" create cluster --name "$cluster" --config e2e/kind/cluster.yaml
"e2e/kind/install-$install.sh" "$version"
kubectl wait --for condition=Ready --timeout 5m node --all

npm run e2e -- --images "$tools/images.tar"
"$tools/kind" load image-archive "$tools/images.tar" --name "$cluster"
