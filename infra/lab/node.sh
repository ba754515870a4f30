#!/bin/bash
# node.sh start DIR CLUSTER | stop DIR
# One real node for the control plane in CLUSTER (cluster.sh), in place of the simulated ones: containerd runs its pods as
# real processes, and kube-router drops the packets that no policy allows. Must run as root in network, mount and process
# namespaces of its own (unshare -n -m -p -f --mount-proc --kill-child), which it furnishes: nothing of it touches the
# machine's network, and all its processes and mounts end with the shell that began them.
# Images come from archives (DIR/images/*.tar, made by image.py); there is no registry to pull from.
set -euo pipefail
here=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
cmd=${1:?start or stop} d=$(readlink -m "${2:?folder}")
if [ "$cmd" = stop ]; then
  # Pods first: whoever outlives containerd holds its mounts.
  for c in $("$d/bin/ctr" -a "$d/containerd.sock" -n k8s.io tasks ls -q 2>/dev/null); do "$d/bin/ctr" -a "$d/containerd.sock" -n k8s.io tasks kill -s KILL "$c" >/dev/null 2>&1 || true; done
  for p in agent kubelet containerd; do
    [ -f "$d/$p.pid" ] || continue
    q=$(cat "$d/$p.pid"); kill "$q" 2>/dev/null || true
    for _ in $(seq 50); do kill -0 "$q" 2>/dev/null || break; sleep .1; done
  done
  # What pods had mounted goes too, or the folder could not be removed.
  awk -v d="$d/" 'index($2, d) == 1 {print $2}' /proc/mounts | sort -r | while read -r m; do umount -l "$m" 2>/dev/null || true; done
  # Empty by now; kubelet makes them anew.
  find /sys/fs/cgroup -depth -type d -path '*/kubepods*' -exec rmdir {} + 2>/dev/null || true
  exit 0
fi
cluster=$(readlink -m "${3:?folder of the cluster}")
part=$("$here/parts.sh" path node)
mkdir -p "$d/images" "$d/net"; cd "$d"; ln -sfn "$part/bin" bin
ip link add node0 type bridge; ip addr add 192.0.2.1/24 dev node0; ip link set node0 up; ip route add default dev node0
sysctl -qw net.ipv4.ip_forward=1
export KUBECONFIG=$cluster/kubeconfig PATH=$part/bin:$PATH
kill "$(cat "$cluster/kwok.pid")"; rm -f "$cluster/kwok.pid"
kubectl delete node --all --wait=false >/dev/null
# A pair of interfaces per pod, routed: what goes from pod to pod passes the machine's own filters.
cat >net/pods.conflist <<C
{"cniVersion": "1.0.0", "name": "pods", "plugins": [{"type": "ptp", "ipMasq": false, "ipam": {"type": "host-local", "dataDir": "$d/net/state", "ranges": [[{"subnet": "10.244.0.0/24"}]], "routes": [{"dst": "0.0.0.0/0"}]}}]}
C
cat >containerd.toml <<C
version = 3
root = "$d/containerd/root"
state = "$d/containerd/state"
disabled_plugins = ["io.containerd.nri.v1.nri"]
[grpc]
address = "$d/containerd.sock"
[ttrpc]
address = "$d/containerd.sock.ttrpc"
[plugins."io.containerd.cri.v1.images".pinned_images]
sandbox = "docker.io/local/pause:1"
[plugins."io.containerd.cri.v1.runtime"]
restrict_oom_score_adj = true
[plugins."io.containerd.cri.v1.runtime".cni]
bin_dirs = ["$part/root/usr/lib/cni"]
conf_dir = "$d/net"
[plugins."io.containerd.cri.v1.runtime".containerd.runtimes.runc]
runtime_type = "io.containerd.runc.v2"
[plugins."io.containerd.cri.v1.runtime".containerd.runtimes.runc.options]
BinaryName = "$part/bin/runc"
SystemdCgroup = false
C
cat >kubelet.yaml <<K
apiVersion: kubelet.config.k8s.io/v1beta1
kind: KubeletConfiguration
address: 127.0.0.1
authentication: {anonymous: {enabled: false}, webhook: {enabled: false}, x509: {clientCAFile: $cluster/ca.crt}}
authorization: {mode: AlwaysAllow} # only who has a certificate of this cluster, on loopback
cgroupDriver: cgroupfs
failCgroupV1: false
failSwapOn: false
containerRuntimeEndpoint: unix://$d/containerd.sock
enforceNodeAllocatable: []
evictionHard: {memory.available: 1Mi, nodefs.available: 1%, imagefs.available: 1%}
imageGCHighThresholdPercent: 100
makeIPTablesUtilChains: false
clusterDNS: [10.0.0.10]
podLogsDir: $d/logs
healthzPort: 0
resolvConf: ""
K
containerd -c containerd.toml >containerd.log 2>&1 & echo $! >containerd.pid
for _ in $(seq 100); do ctr -a "$d/containerd.sock" version >/dev/null 2>&1 && break; sleep .2; done
for i in images/*.tar; do ctr -a "$d/containerd.sock" -n k8s.io images import "$i" >>images.log 2>&1; done
kubelet --config kubelet.yaml --kubeconfig "$KUBECONFIG" --root-dir "$d/kubelet" --hostname-override real-1 --node-ip 192.0.2.1 \
  --node-labels kubernetes.io/os=linux,topology.kubernetes.io/zone=eu-west-1a >kubelet.log 2>&1 & echo $! >kubelet.pid
until_is() { for _ in $(seq 120); do "$@" && return 0; sleep .5; done; return 1; }
ready() { kubectl get node real-1 --no-headers 2>/dev/null | grep -q ' Ready'; }
until_is ready || { tail -5 kubelet.log >&2; exit 1; }
# It asks for the node when it starts, so the node comes first.
kube-router --kubeconfig "$KUBECONFIG" --hostname-override real-1 --run-firewall=true --run-router=false --run-service-proxy=false \
  --service-cluster-ip-range 10.0.0.0/24 --metrics-port 0 --health-port 0 >agent.log 2>&1 & echo $! >agent.pid
enforced() { iptables -S FORWARD 2>/dev/null | grep -q KUBE-ROUTER-FORWARD; }
until_is enforced || { tail -5 agent.log >&2; exit 1; }
