#!/bin/bash
# build-node.sh DIR : what one real node is made of: kubelet (the cluster's version) and containerd
# from Go modules; runc, the network plugins and a static busybox (for images of our own) from Debian.
set -euo pipefail
here=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd); dir=$(readlink -m "$1"); containerd=v2.4.2 k8s=1.36.1
mkdir -p "$dir/bin" "$dir/src"; cd "$dir/src"
"$here/parts.sh" get cluster >/dev/null
cluster=$("$here/parts.sh" path cluster); cp "$cluster/go.mod" "$cluster/go.sum" .
go get -tool "k8s.io/kubernetes/cmd/kubelet@v$k8s"
v=k8s.io/component-base/version
CGO_ENABLED=0 go build -trimpath -ldflags "-s -w -X $v.gitVersion=v$k8s -X $v.gitMajor=1 -X $v.gitMinor=${k8s:2:2}" -o "$dir/bin/" k8s.io/kubernetes/cmd/kubelet
cd "$dir"; rm -rf src
for p in containerd containerd-shim-runc-v2 ctr; do CGO_ENABLED=0 GOBIN="$dir/bin" go install -trimpath -ldflags '-s -w' "github.com/containerd/containerd/v2/cmd/$p@$containerd"; done
CGO_ENABLED=0 go build -trimpath -ldflags '-s -w' -o "$dir/bin/ask" "$here/ask.go"
mkdir deb; ( cd deb && apt-get download -q runc containernetworking-plugins busybox-static >/dev/null && for d in ./*.deb; do dpkg -x "$d" ../root; done ); rm -rf deb
cp root/usr/sbin/runc root/bin/busybox bin/
