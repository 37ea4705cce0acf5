#!/usr/bin/env bash
# Installs Calico from its manifest. usage: install-manifest.sh VERSION
set -euo pipefail
version=${1:?usage: install-manifest.sh VERSION}

# Not "apply": it would write all of it into an annotation, which is too large for that.
kubectl create --filename "https://raw.githubusercontent.com/projectcalico/calico/$version/manifests/calico.yaml"
kubectl rollout status --timeout 10m --namespace kube-system daemonset/calico-node
