#!/bin/bash
# One real node: pods are processes. What the other tiers show as manifests is shown here in effect: the chart's pod runs
# as it promises, reads its secret (Secrets Manager -> External Secrets -> Secret -> the process), is asked by real
# probes, crashes and is rolled back, and packets that no policy allows are dropped.
# Needs the superuser, because a node does. Everything runs in namespaces of its own.
TIER=node
# What a node needs of the machine, asked before anything is begun: namespaces, control groups, packet filters.
lacks() {
  [ "$(id -u)" = 0 ] || { echo "only the superuser may make one here"; return; }
  unshare -n -m -p -f true 2>/dev/null || { echo "this machine allows no namespaces of its own"; return; }
  local g=/sys/fs/cgroup t; [ -f $g/cgroup.controllers ] || g=$g/cpu
  t=$g/slipway-may-$$; mkdir "$t" 2>/dev/null || { echo "this machine's control groups cannot be written"; return; }
  rmdir "$t"
  for t in ip sysctl mount; do command -v $t >/dev/null || { echo "$t is not on this machine"; return; }; done
}
if [ -z "${IN_A_NODE:-}" ] && [ -z "$(lacks)" ]; then
  exec env IN_A_NODE=1 unshare -n -m -p -f --mount-proc --kill-child bash "$0" "$@"
fi
# shellcheck source=lib.sh
source "$(dirname "$0")/lib.sh"
[ -n "${IN_A_NODE:-}" ] || { skip "a real node" "$(lacks)"; finish; }
need "a real node" node || finish
NODE=$PART_DIR
need "a real node" moto || finish
PY=$PART_DIR/venv/bin/python
ip link set lo up
cluster_up "a real node" || finish
moto_up || { fail "moto did not start"; finish; }
C=$INFRA/charts V=$INFRA/tests/values N=$WORK/node
trap '"$INFRA/lab/node.sh" stop "$N"; interrupted' INT TERM

# Images of our own: busybox with an application of one line; and one that ends at once.
image() { # NAME COMMAND... : prints its digest
  local f=$WORK/image-$1; mkdir -p "$f/bin" "$N/images"; cp "$NODE/bin/busybox" "$NODE/bin/ask" "$f/bin/"
  for c in sh sleep httpd cat id echo mkdir touch; do ln -sf busybox "$f/bin/$c"; done
  # shellcheck disable=SC2016  # the application expands it
  printf '#!/bin/sh\nmkdir -p /tmp/www\necho "$DATABASE_PASSWORD" >/tmp/www/secret\necho ok >/tmp/www/healthz\nid\nif touch /written 2>/dev/null; then echo "the image can be written"; fi\n[ -e /var/run/secrets ] && echo "a token is mounted"\nexec httpd -f -p 8080 -h /tmp/www\n' >"$f/bin/app"
  printf '#!/bin/sh\necho "about to crash"\nexit 3\n' >"$f/bin/crash"; chmod +x "$f/bin/app" "$f/bin/crash"
  "$PY" "$INFRA/lab/image.py" "$N/images/$1.tar" "$2" "$f" "${@:3}"
}
image pause docker.io/local/pause:1 /bin/sleep infinity >/dev/null
good=$(image app registry.example.org/shop/checkout:app /bin/app); bad=$(image crash registry.example.org/shop/checkout:crash /bin/crash)
if out=$("$INFRA/lab/node.sh" start "$N" "$CLUSTER_DIR" 2>&1); then pass "a real node: kubelet and containerd are ready"; else fail "a real node" "$out"; finish; fi
# Pods name images by digest, so that is what they are called here.
for i in app:$good crash:$bad; do "$N/bin/ctr" -a "$N/containerd.sock" -n k8s.io images tag "registry.example.org/shop/checkout:${i%%:*}" "registry.example.org/shop/checkout@${i#*:}" >/dev/null 2>&1; done

secret() { "$PY" - "$1" <<'PY'
import boto3, json, os, sys
c = boto3.client("secretsmanager", endpoint_url=os.environ["AWS_ENDPOINT_URL"])
v = json.dumps({"password": sys.argv[1]})
try:
    c.create_secret(Name="platform/shop/dev/db", SecretString=v)
except c.exceptions.ResourceExistsException:
    c.put_secret_value(SecretId="platform/shop/dev/db", SecretString=v)
PY
}
AWS_SECRETSMANAGER_ENDPOINT=$AWS_ENDPOINT_URL AWS_STS_ENDPOINT=$AWS_ENDPOINT_URL "$(part external-secrets)/bin/external-secrets" \
  --metrics-addr "127.0.0.1:$(free_port)" --live-addr "127.0.0.1:$(free_port)" --enable-leader-election=false \
  --enable-cluster-store-reconciler=false --enable-cluster-external-secret-reconciler=false --enable-push-secret-reconciler=false \
  --enable-cluster-push-secret-reconciler=false >"$WORK/eso.log" 2>&1 &
started+=("$!")
ONE=canary-$RANDOM$RANDOM TWO=rotated-$RANDOM$RANDOM
check "a secret is written into Secrets Manager" secret "$ONE"
check "the team's namespace" "$HELM" upgrade --install ns "$C/namespace" -n default -f "$V/namespace-least.yaml" --wait --timeout 180s
up() { "$HELM" upgrade --install checkout "$C/service" -n shop -f "$V/service-least.yaml" --set "image.digest=$1" --set replicas=1,pdb.minAvailable=0 --set-json 'externalSecrets=[{"name":"db","remoteKey":"platform/shop/dev/db","refresh":"2s","env":{"DATABASE_PASSWORD":"password"}}]' --rollback-on-failure --wait --timeout "${2:-180s}"; }
check "service: its pod runs, and a real probe says that it is ready" up "$good"
pod() { kubectl -n shop get pods -l app.kubernetes.io/name=checkout --field-selector=status.phase=Running --sort-by=.metadata.creationTimestamp -o "jsonpath=$1"; }
log() { cat "$N"/logs/shop_checkout-*/app/*.log 2>/dev/null; }
address() { pod '{.items[-1:].status.podIP}'; }
inside() { curl -s -m 5 "http://$(address):8080/secret"; } # the machine itself is let through, as kubelet's probes are
check "the process reads the value from Secrets Manager" eventually 60 is "$ONE" inside
check "it runs as nobody" bash -c "cat '$N'/logs/shop_checkout-*/app/*.log | grep -q 'uid=10001'"
check "it cannot write its image, and has no token" bash -c "! cat '$N'/logs/shop_checkout-*/app/*.log | grep -E 'can be written|token is mounted'"
check "it has no capability and may gain none" bash -c "p=\$('$N/bin/ctr' -a '$N/containerd.sock' -n k8s.io tasks ls 2>/dev/null | awk '/RUNNING/{print \$2}' | while read -r q; do grep -qa httpd /proc/\$q/cmdline && echo \$q; done | head -1); [ -n \"\$p\" ] && grep -q 'CapEff:.0000000000000000' /proc/\$p/status && grep -q 'NoNewPrivs:.1' /proc/\$p/status && grep -q 'Seccomp:.2' /proc/\$p/status"
check "the value is rotated" secret "$TWO"
check "the controller brings it" eventually 60 bash -c "[ \"\$(kubectl -n shop get secret checkout-db -o 'jsonpath={.data.password}' | base64 -d)\" = '$TWO' ]"
check "the process still has the old one: a Secret does not restart pods" is "$ONE" inside
check "the next release rolls the pod" up "$good"
check "the new process has the new value" eventually 30 is "$TWO" inside

# Packets. A visitor in a namespace, asking the service's pod; the answer is the proof that somebody was let in. It asks for
# a while, since a pod is known to the filters a moment after it began: shut out is who is shut out all the time.
for ns in ingress elsewhere; do kubectl create namespace "$ns" >/dev/null; done
visitor() { # NAMESPACE
  kubectl -n "$1" delete pod visitor --ignore-not-found --grace-period=1 >/dev/null 2>&1
  kubectl -n "$1" apply -f - >/dev/null <<Y
apiVersion: v1
kind: Pod
metadata: {name: visitor, labels: {app.kubernetes.io/name: visitor}}
spec:
  restartPolicy: Never
  automountServiceAccountToken: false
  terminationGracePeriodSeconds: 1
  securityContext: {runAsNonRoot: true, runAsUser: 10001, seccompProfile: {type: RuntimeDefault}}
  containers:
    - name: c
      image: registry.example.org/shop/checkout@$good
      command: [sh, -c, 'n=0; while [ \$n -lt 15 ]; do [ "\$(ask $(address):8080)" = let-in ] && { echo let-in; exit 0; }; n=\$((n+1)); sleep 1; done; echo shut-out']
      securityContext: {allowPrivilegeEscalation: false, readOnlyRootFilesystem: true, capabilities: {drop: [ALL]}}
      resources: {requests: {cpu: 10m, memory: 16Mi}, limits: {memory: 32Mi}}
Y
  eventually 120 bash -c "kubectl -n '$1' get pod visitor -o 'jsonpath={.status.phase}' | grep -qE 'Succeeded|Failed'" || return 1
  # Of this very visitor: what an earlier one said lies beside it for a while.
  sed -n 's/.* F //p' "$N/logs/$1_visitor_$(kubectl -n "$1" get pod visitor -o 'jsonpath={.metadata.uid}')"/c/*.log | tail -1
}
check "network: from the ingress' namespace packets arrive" is let-in visitor ingress
check "network: from elsewhere they are dropped" is shut-out visitor elsewhere
check "network: and from the pod's own namespace too (default-deny)" is shut-out visitor shop
kubectl -n shop delete networkpolicy --all >/dev/null
check "network: without the policies they would arrive: it is these that drop them" is let-in visitor elsewhere

refused "a release whose process crashes fails" "timed? ?out|deadline|not ready|failed" up "$bad" 30s
check "what the process said is there to read" bash -c "cat '$N'/logs/shop_checkout-*/app/*.log | grep -q 'about to crash'"
check "and the old one serves on, by itself" eventually 60 is "$TWO" inside
[ "$failed" -eq 0 ] || { kubectl get pods -A; kubectl -n shop get events | tail -5; tail -n 3 "$N/kubelet.log"; tail -n 3 "$N/agent.log"; }
"$INFRA/lab/node.sh" stop "$N"
finish
