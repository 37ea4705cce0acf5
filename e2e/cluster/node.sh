#!/bin/sh
# A node, as process 1 of its own process, mount and host name namespaces: mounts, containerd, images, kubelet.
# node.sh NAME FOLDER IMAGES KUBELET KUBECONFIG ADDRESS CGROUP OWN-FOLDER...
set -eu
name=$1 folder=$2 images=$3 kubelet=$4 kubeconfig=$5 address=$6 cgroup=$7
shift 7

hostname "$name"
mount --make-rprivate /

# Volumes reach the containers only through shared mounts.
for path in "$@"; do
  mount --bind "$folder/root$path" "$path"
  mount --make-rshared "$path"
done
mount -t tmpfs -o mode=755 tmpfs /run
mount --make-rshared /run

# The kubelet sets these for the whole machine. It finds its own values here and leaves the machine as it is.
tunable() {
  mkdir -p /run/tunables
  echo "$2" >"/run/tunables/$(basename "$1")"
  mount --bind "/run/tunables/$(basename "$1")" "/proc/sys/$1"
}
tunable vm/overcommit_memory 1
tunable vm/panic_on_oom 0
tunable kernel/panic 10
tunable kernel/panic_on_oops 1
tunable kernel/keys/root_maxkeys 1000000
tunable kernel/keys/root_maxbytes 25000000

# One folder for the containers of all nodes, which can be removed afterwards; on cgroup v1 one in each hierarchy.
for hierarchy in /sys/fs/cgroup /sys/fs/cgroup/*; do
  [ -e "$hierarchy/cgroup.procs" ] || continue
  parent=$hierarchy/${cgroup%/*}
  mkdir -p "$parent"
  # On cgroup v1 a new folder has no processor at all.
  for file in cpuset.cpus cpuset.mems; do
    if [ -e "$hierarchy/$file" ]; then cat "$hierarchy/$file" >"$parent/$file"; fi
  done
  mkdir -p "$hierarchy/$cgroup"
done

containerd --config "$folder/containerd.toml" >>"$folder/containerd.log" 2>&1 &
until ctr version >/dev/null 2>&1; do sleep 0.1; done
ctr --namespace k8s.io images import "$images" >>"$folder/containerd.log" 2>&1

"$kubelet" --config="$folder/kubelet.json" --kubeconfig="$kubeconfig" --root-dir=/var/lib/kubelet \
  --hostname-override="$name" --node-ip="$address" >>"$folder/kubelet.log" 2>&1 &
wait
