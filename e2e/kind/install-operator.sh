#!/usr/bin/env bash
# Installs Calico as the operator does. usage: install-operator.sh VERSION
set -euo pipefail
here=$(dirname -- "${BASH_SOURCE[0]}")
version=${1:?usage: install-operator.sh VERSION}
manifests=https://raw.githubusercontent.com/projectcalico/calico/$version/manifests

# The definitions are in a file of their own since v3.30, which is called otherwise since v3.32.
case $version in
  v3.30.* | v3.31.*) definitions=operator-crds.yaml ;;
  v3.32.*) definitions=v1_crd_projectcalico_org.yaml ;;
  *)
    echo "install-operator.sh: the files of $version are not known; look at its installation guide and add them" >&2
    exit 64
    ;;
esac

# Not "apply": it would write all of it into an annotation, which is too large for that.
kubectl create --filename "$manifests/$definitions"
kubectl create --filename "$manifests/tigera-operator.yaml"
kubectl wait --for create --timeout 5m crd/installations.operator.tigera.io
kubectl wait --for condition=Established --timeout 2m crd/installations.operator.tigera.io
kubectl create --filename "$here/installation.yaml"
kubectl wait --for create --timeout 10m --namespace calico-system daemonset/calico-node
kubectl rollout status --timeout 10m --namespace calico-system daemonset/calico-node
