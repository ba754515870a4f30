#!/bin/bash
# A secret's way: written into Secrets Manager (moto) -> the real External Secrets controller -> a Kubernetes Secret ->
# the pod template that reads it -> rotated, and seen by an upgrade's checksum. Simulated nodes run no containers, so
# what is shown at the end is the pod's own template and not the value inside a process.
TIER=secrets
# shellcheck source=lib.sh
source "$(dirname "$0")/lib.sh"
need "secrets end to end" moto || finish
PY=$PART_DIR/venv/bin/python
cluster_up "secrets end to end" || finish
moto_up || { fail "moto did not start"; finish; }
ESO=$(part external-secrets)
CANARY="canary-$RANDOM$RANDOM" NEXT="rotated-$RANDOM$RANDOM"
C=$INFRA/charts V=$INFRA/tests/values

aws_secret() { "$PY" - "$@" <<'PY'
import boto3, json, os, sys
c = boto3.client("secretsmanager", endpoint_url=os.environ["AWS_ENDPOINT_URL"])
name, value = sys.argv[1], json.dumps({"url": f"postgres://app:{sys.argv[2]}@db/app", "password": sys.argv[2]})
try:
    c.create_secret(Name=name, SecretString=value)
except c.exceptions.ResourceExistsException:
    c.put_secret_value(SecretId=name, SecretString=value)
PY
}

# The controller runs outside the cluster with the administrator's kubeconfig: its own rights are not what is tested here.
AWS_SECRETSMANAGER_ENDPOINT=$AWS_ENDPOINT_URL AWS_STS_ENDPOINT=$AWS_ENDPOINT_URL "$ESO/bin/external-secrets" \
  --metrics-addr "127.0.0.1:$(free_port)" --live-addr "127.0.0.1:$(free_port)" --enable-leader-election=false \
  --enable-cluster-store-reconciler=false --enable-cluster-external-secret-reconciler=false --enable-push-secret-reconciler=false \
  --enable-cluster-push-secret-reconciler=false >"$WORK/eso.log" 2>&1 &
started+=("$!")

check "the value is written into Secrets Manager" aws_secret platform/shop/dev/db "$CANARY"
check "the team's namespace and its SecretStore" "$HELM" upgrade --install ns "$C/namespace" -n default -f "$V/namespace-least.yaml" --wait --timeout 180s
check "the SecretStore is valid" eventually 60 is True kubectl -n shop get secretstore platform -o 'jsonpath={.status.conditions[?(@.type=="Ready")].status}'
up() { "$HELM" upgrade --install checkout "$C/service" -n shop -f "$V/service-least.yaml" --set-json 'externalSecrets=[{"name":"db","remoteKey":"platform/shop/dev/db","refresh":"2s","env":{"DATABASE_URL":"url","DATABASE_PASSWORD":"password"}}]' --wait --timeout 180s; }
check "the service is released with its ExternalSecret" up
value() { kubectl -n shop get secret checkout-db -o 'jsonpath={.data.password}' | base64 -d; }
check "the Kubernetes Secret has the value" eventually 60 is "$CANARY" value
check "the pod reads it from there" is "checkout-db/password" kubectl -n shop get pods -l app.kubernetes.io/name=checkout -o 'jsonpath={range .items[0].spec.containers[0].env[?(@.name=="DATABASE_PASSWORD")]}{.valueFrom.secretKeyRef.name}/{.valueFrom.secretKeyRef.key}{end}'
check "an upgrade takes the checksum of the value" up
sum() { kubectl -n shop get deploy checkout -o 'jsonpath={.spec.template.metadata.annotations.platform/secrets-checksum}'; }
before=$(sum)
check "an upgrade without a change leaves the pods alone" bash -c "$(declare -f up sum is); HELM=$HELM C=$C V=$V; up >/dev/null && is '$before' sum"
check "the value is rotated" aws_secret platform/shop/dev/db "$NEXT"
check "the controller brings the new value" eventually 60 is "$NEXT" value
check "the next upgrade rolls the pods" bash -c "$(declare -f up sum); HELM=$HELM C=$C V=$V; up >/dev/null && [ \"\$(sum)\" != '$before' ]"
check "the portal sees when it was last brought" bash -c "kubectl -n shop get externalsecret checkout-db -o jsonpath='{.status.refreshTime}' | grep -q T"
kubectl -n shop get deploy,externalsecret,secretstore,pods -o yaml >"$WORK/manifests.yaml" 2>/dev/null
"$HELM" get all checkout -n shop >"$WORK/release.txt" 2>/dev/null
check "no value is in a manifest, a release or the controller's log" bash -c "! grep -lE '$CANARY|$NEXT' '$WORK/manifests.yaml' '$WORK/release.txt' '$WORK/eso.log' '$CLUSTER_DIR/audit.log'"
refused "a secret that does not exist is said so" "SecretSyncedError|could not" bash -c "kubectl -n shop apply -f - <<'Y' >/dev/null
apiVersion: external-secrets.io/v1
kind: ExternalSecret
metadata: {name: missing}
spec:
  refreshInterval: 2s
  secretStoreRef: {name: platform, kind: SecretStore}
  target: {name: missing}
  data: [{secretKey: a, remoteRef: {key: platform/none, property: a}}]
Y
for _ in \$(seq 40); do kubectl -n shop get externalsecret missing -o jsonpath='{.status.conditions[*].reason}' | grep SecretSyncedError && exit 1; sleep .5; done"
finish
