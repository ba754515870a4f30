#!/bin/bash
# cluster.sh start DIR | stop DIR
# A real Kubernetes control plane on loopback: etcd, kube-apiserver, controller-manager, scheduler; kwok plays the nodes
# and says of every pod that it runs. DIR/kubeconfig is cluster-admin. Free ports are chosen; a second start in the same
# DIR takes up what was there. kwok runs no containers: what a pod does inside cannot be seen here.
# An image whose digest is all d's "crashes", so that a failing release can be shown.
set -euo pipefail
here=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
cmd=${1:?start or stop} d=$(readlink -m "${2:?folder}")

if [ "$cmd" = stop ]; then
  for p in kwok scheduler controllers apiserver etcd; do
    [ -f "$d/$p.pid" ] || continue
    q=$(cat "$d/$p.pid"); kill "$q" 2>/dev/null || true
    for _ in $(seq 100); do kill -0 "$q" 2>/dev/null || break; sleep .1; done
    rm -f "$d/$p.pid"
  done
  exit 0
fi

bin=$("$here/parts.sh" path cluster)/bin
mkdir -p "$d"; cd "$d"
read -r port eport pport < <(python3 "$here/ports.py" 3)

if [ ! -f ca.crt ]; then
  openssl req -x509 -newkey rsa:2048 -nodes -keyout ca.key -out ca.crt -subj /CN=test-ca -days 30 2>/dev/null
  cert() {
    openssl req -newkey rsa:2048 -nodes -keyout "$1.key" -out "$1.csr" -subj "$2" 2>/dev/null
    openssl x509 -req -in "$1.csr" -CA ca.crt -CAkey ca.key -CAcreateserial -days 30 -out "$1.crt" -extfile <(echo "$3") 2>/dev/null
  }
  cert server /CN=kube-apiserver "subjectAltName=IP:127.0.0.1,DNS:localhost,DNS:kubernetes.default.svc,IP:10.0.0.1"
  cert admin /O=system:masters/CN=admin extendedKeyUsage=clientAuth
  openssl genrsa -out sa.key 2048 2>/dev/null
  openssl rsa -in sa.key -pubout -out sa.pub 2>/dev/null
fi
cat >kubeconfig <<K
{"apiVersion":"v1","kind":"Config","current-context":"t","contexts":[{"name":"t","context":{"cluster":"t","user":"admin"}}],
"clusters":[{"name":"t","cluster":{"server":"https://127.0.0.1:$port","certificate-authority-data":"$(base64 -w0 ca.crt)"}}],
"users":[{"name":"admin","user":{"client-certificate-data":"$(base64 -w0 admin.crt)","client-key-data":"$(base64 -w0 admin.key)"}}]}
K
printf 'apiVersion: audit.k8s.io/v1\nkind: Policy\nrules: [{level: Metadata}]\n' >audit.yaml
{ cat "$bin/../stages.yaml"; cat "$here/crash-stage.yaml"; } >stages.yaml

e=http://127.0.0.1:$eport peer=http://127.0.0.1:$pport
"$bin/etcd" --data-dir etcd --unsafe-no-fsync --listen-client-urls "$e" --advertise-client-urls "$e" \
  --listen-peer-urls "$peer" --initial-advertise-peer-urls "$peer" --initial-cluster "default=$peer" >etcd.log 2>&1 &
echo $! >etcd.pid
"$bin/kube-apiserver" --etcd-servers="$e" --bind-address=127.0.0.1 --advertise-address=127.0.0.1 --secure-port="$port" \
  --tls-cert-file=server.crt --tls-private-key-file=server.key --client-ca-file=ca.crt \
  --service-account-key-file=sa.pub --service-account-signing-key-file=sa.key --service-account-issuer=https://kubernetes.default.svc \
  --service-cluster-ip-range=10.0.0.0/24 --authorization-mode=Node,RBAC \
  --audit-policy-file=audit.yaml --audit-log-path=audit.log >apiserver.log 2>&1 &
echo $! >apiserver.pid
api() { curl -s --cacert ca.crt --cert admin.crt --key admin.key "$@"; }
for _ in $(seq 300); do
  [ "$(api "https://127.0.0.1:$port/readyz" || true)" = ok ] && break
  sleep .2
  kill -0 "$(cat apiserver.pid)" || { tail -5 apiserver.log >&2; exit 1; }
done
"$bin/kube-controller-manager" --kubeconfig=kubeconfig --leader-elect=false --service-account-private-key-file=sa.key \
  --root-ca-file=ca.crt --use-service-account-credentials --secure-port=0 >controllers.log 2>&1 &
echo $! >controllers.pid
"$bin/kube-scheduler" --kubeconfig=kubeconfig --leader-elect=false --secure-port=0 >scheduler.log 2>&1 &
echo $! >scheduler.pid
# Leases, as a kubelet keeps them: without any, the nodes are NotReady after 50 s and every pod with them.
"$bin/kwok" --kubeconfig=kubeconfig --manage-all-nodes=true --node-lease-duration-seconds=40 --config stages.yaml >kwok.log 2>&1 &
echo $! >kwok.pid
for n in 1 2; do
  api -H 'Content-Type: application/json' "https://127.0.0.1:$port/api/v1/nodes" -d '{"apiVersion":"v1","kind":"Node","metadata":{"name":"node-'$n'","labels":{"kubernetes.io/os":"linux","kubernetes.io/arch":"amd64","kubernetes.io/hostname":"node-'$n'","topology.kubernetes.io/zone":"eu-west-1'$n'"}},"status":{"allocatable":{"cpu":"16","memory":"64Gi","ephemeral-storage":"100Gi","pods":"110"},"capacity":{"cpu":"16","memory":"64Gi","ephemeral-storage":"100Gi","pods":"110"}}}' >/dev/null
done
