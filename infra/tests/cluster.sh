#!/bin/bash
# Our charts on a real control plane with the real Helm 4: installed, upgraded, failing and rolled back, refused.
# The nodes are simulated: that a quota, a policy or a rollout is there and obeyed by the API is shown; that packets are
# dropped is not.
TIER=cluster
# shellcheck source=lib.sh
source "$(dirname "$0")/lib.sh"
cluster_up "charts on a control plane" || finish
C=$INFRA/charts V=$INFRA/tests/values
digest() { printf 'sha256:%s' "$(printf "$1%.0s" {1..64})"; }
helm() { "$HELM" "$@"; }
field() { kubectl -n shop get "$1" -o "jsonpath=$2"; }

check "slipway: installed, its migration run first" helm upgrade --install slipway "$C/slipway" -n slipway --create-namespace -f "$V/slipway-least.yaml" --wait --timeout 180s
check "slipway: web and worker are up under their own accounts" is "slipway-web slipway-worker" kubectl -n slipway get deploy -o 'jsonpath={.items[*].spec.template.spec.serviceAccountName}'
check "slipway: the migration's job is gone" is "" kubectl -n slipway get jobs -o name
check "namespace: installed" helm upgrade --install ns-shop "$C/namespace" -n slipway -f "$V/namespace-least.yaml" --wait --timeout 180s
check "namespace: closed by default" is '{"podSelector":{},"policyTypes":["Ingress","Egress"]}' kubectl -n shop get networkpolicy default-deny -o 'jsonpath={.spec}'
check "namespace: refuses pods that are not restricted" bash -c "kubectl -n shop run root --image=x --restart=Never 2>&1 | grep -q 'violates PodSecurity'"

install() { helm upgrade --install checkout "$C/service" -n shop -f "$V/service-least.yaml" --set "image.digest=$(digest "$1")" --rollback-on-failure --wait --timeout "${3:-180s}" ${2:-}; }
check "service: installed" install a
check "service: two pods ready, of the digest" bash -c "[ \$(kubectl -n shop get pods -l app.kubernetes.io/name=checkout -o jsonpath='{range .items[*]}{.status.phase} {.spec.containers[0].image}{\"\n\"}{end}' | grep -c 'Running registry.example.org/shop/checkout@$(digest a)') = 2 ]"
check "service: upgraded" install b "--set platform.commit=0123abcd"
check "service: the release says from which commit it is" is 0123abcd field deploy/checkout '{.metadata.annotations.platform/commit}'
check "service: revision 2" is 2 field deploy/checkout '{.metadata.annotations.platform/revision}'
refused "service: crashing pods fail the release" "timed? ?out|deadline|not ready|rollback|exceeded|failed" install d "" 25s
check "service: and it is rolled back by itself" eventually 30 is "registry.example.org/shop/checkout@$(digest b)" field deploy/checkout '{.spec.template.spec.containers[0].image}'
check "service: the history says so" bash -c "'$HELM' history checkout -n shop -o json | grep -q '\"status\":\"failed\"' && '$HELM' history checkout -n shop -o json | grep -qi 'rollback'"
check "service: never without ready pods meanwhile" eventually 20 is 2 field deploy/checkout '{.status.availableReplicas}'
check "service: rolled back by hand to revision 1" helm rollback checkout 1 -n shop --wait --timeout 180s
check "service: revision 1's image runs" is "registry.example.org/shop/checkout@$(digest a)" field deploy/checkout '{.spec.template.spec.containers[0].image}'
refused "service: an unknown value is refused" "replicaCount" install a "--set replicaCount=3"
check "service: and nothing changed" is 2 field deploy/checkout '{.spec.replicas}'
check "service: with everything on (autoscaling, ingress, secrets)" helm upgrade --install everything "$C/service" -n shop -f "$V/service-all.yaml" --set serviceMonitor.enabled=false --wait=hookOnly --timeout 180s
check "service: the ingress has its host" is checkout.dev.example.org field ingress/everything '{.spec.rules[0].host}'

refused "namespace: the quota holds" "exceeded quota" kubectl -n shop create -f - <<'Y'
apiVersion: v1
kind: Pod
metadata: {name: greedy}
spec:
  securityContext: {runAsNonRoot: true, runAsUser: 1000, seccompProfile: {type: RuntimeDefault}}
  containers:
    - name: c
      image: x
      securityContext: {allowPrivilegeEscalation: false, capabilities: {drop: [ALL]}}
      resources: {requests: {cpu: "4", memory: 8Gi}, limits: {cpu: "4", memory: 8Gi}}
    - name: d
      image: x
      securityContext: {allowPrivilegeEscalation: false, capabilities: {drop: [ALL]}}
      resources: {requests: {cpu: "4", memory: 8Gi}, limits: {cpu: "4", memory: 8Gi}}
Y
refused "namespace: no node ports" "exceeded quota" kubectl -n shop create service nodeport x --tcp=80
check "service: uninstalled, and nothing is left" bash -c "'$HELM' uninstall checkout -n shop --wait --timeout 180s && [ -z \"\$(kubectl -n shop get deploy,svc,ingress,networkpolicy,pdb,sa -l app.kubernetes.io/instance=checkout -o name)\" ]"
check "namespace: uninstalled" helm uninstall ns-shop -n slipway
check "namespace: gone with what was in it" eventually 60 bash -c '! kubectl get ns shop'
finish
