#!/usr/bin/env bash
# Prints a line "NODE UID" for each calico-node pod, sorted: what a restart changes, in kubectl's words.
set -euo pipefail
kubectl get pods --all-namespaces --selector k8s-app=calico-node \
  --output jsonpath='{range .items[*]}{.spec.nodeName}{" "}{.metadata.uid}{"\n"}{end}' | sort
