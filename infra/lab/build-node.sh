#!/bin/bash
# build-node.sh DIR : what one real node is made of: kubelet (the cluster's version), containerd and kube-router, which
# enforces network policies, from Go modules; runc, the network plugins, iptables, ipset and a static busybox (for images
# of our own) from Debian.
set -euo pipefail
here=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd); dir=$(readlink -m "$1"); containerd=v2.4.2 k8s=1.36.1 router=v2.1.0
mkdir -p "$dir/bin" "$dir/src"; cd "$dir/src"
"$here/parts.sh" get cluster >/dev/null
cluster=$("$here/parts.sh" path cluster); cp "$cluster/go.mod" "$cluster/go.sum" .
go get -tool "k8s.io/kubernetes/cmd/kubelet@v$k8s"
v=k8s.io/component-base/version
CGO_ENABLED=0 go build -trimpath -ldflags "-s -w -X $v.gitVersion=v$k8s -X $v.gitMajor=1 -X $v.gitMinor=${k8s:2:2}" -o "$dir/bin/" k8s.io/kubernetes/cmd/kubelet
cd "$dir"; rm -rf src
for p in "github.com/containerd/containerd/v2/cmd/"{containerd,containerd-shim-runc-v2,ctr}"@$containerd" "github.com/cloudnativelabs/kube-router/v2/cmd/kube-router@$router"; do
  CGO_ENABLED=0 GOBIN="$dir/bin" go install -trimpath -ldflags '-s -w' "$p"
done
CGO_ENABLED=0 go build -trimpath -ldflags '-s -w' -o "$dir/bin/ask" "$here/ask.go"
"$here/parts.sh" debs "$dir/root" runc containernetworking-plugins busybox-static \
  iptables ipset libipset13 libxtables12 libip4tc2 libip6tc2 libmnl0 libnfnetlink0 libnetfilter-conntrack3 libnftnl11
cp root/usr/sbin/runc root/bin/busybox bin/
# With their own libraries beside them: the machine may have neither, and nothing is installed on it.
for p in iptables iptables-save iptables-restore ipset; do
  printf '#!/bin/sh\nr=$(dirname "$(dirname "$(readlink -f "$0")")")/root; l=$(echo "$r"/usr/lib/*-linux-gnu*)\nLD_LIBRARY_PATH=$l XTABLES_LIBDIR=$l/xtables exec "$r/usr/sbin/%s" "$@"\n' \
    "$([ "$p" = ipset ] && echo ipset || echo "xtables-legacy-multi\" \"$p")" >"bin/$p"
  chmod +x "bin/$p"
done
