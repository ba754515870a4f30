#!/bin/bash
# Our charts: linted, rendered by the real Helm 4, checked strictly for four versions of Kubernetes; bad values refused.
TIER=charts
# shellcheck source=lib.sh
source "$(dirname "$0")/lib.sh"

need "charts" helm || finish
HELM=$PART_DIR/bin/helm
export HELM_CACHE_HOME=$WORK/helm HELM_CONFIG_HOME=$WORK/helm HELM_DATA_HOME=$WORK/helm
C=$INFRA/charts V=$INFRA/tests/values
kv=$(part kube-validate) || skip "strict schemas" "the part 'kube-validate' is not here"

render() { "$HELM" template "$1" "$C/$1" -n "$1" -f "$V/$1-$2.yaml" --kube-version 1.35.0 "${@:3}"; }

for c in service namespace slipway; do
  check "$c: lint" "$HELM" lint --strict "$C/$c" -f "$V/$c-least.yaml"
  for v in least all; do
    if render "$c" "$v" >"$WORK/$c-$v.yaml" 2>"$WORK/err"; then pass "$c: renders with the $v values"; else fail "$c: render $v" "$(cat "$WORK/err")"; continue; fi
    [ -n "$kv" ] || continue
    for k in 1.34 1.35 1.36 1.37; do check "$c, $v: strictly valid for Kubernetes $k, pods as promised" "$kv/venv/bin/python" "$INFRA/tests/strict.py" "$k" "$WORK/$c-$v.yaml"; done
  done
  check "$c: an old Kubernetes is refused" bash -c "! '$HELM' template x '$C/$c' -f '$V/$c-least.yaml' --kube-version 1.30.0 2>/dev/null"
done

# Bad input: refused while rendering, in words that name the key.
refused "service: an image by tag"            "tag"                          render service least --set image.tag=latest
refused "service: no digest"                  "digest"                       render service least --set image.digest=
refused "service: a digest that is none"      "digest"                       render service least --set image.digest=latest
refused "service: a tag within the repository's name and no digest" "digest|repository" "$HELM" template x "$C/service" --set image.repository=shop/checkout:v1 --set resources.limits.memory=1Mi
refused "service: a misspelt key"             "replicaCount"                 render service least --set replicaCount=3
refused "service: a misspelt key deeper down" "hots"                         render service least --set ingress.hots=a.example.org
refused "service: no resources"               "resources"                    "$HELM" template x "$C/service" --set image.repository=shop/checkout --set "image.digest=sha256:$(printf 'a%.0s' {1..64})"
refused "service: no memory limit"            "memory|limits"                render service least --set-json 'resources={"requests":{"cpu":"1","memory":"1Mi"},"limits":{}}'
refused "service: autoscaling min above max"  "min is above max"             render service least --set autoscaling.enabled=true,autoscaling.min=5,autoscaling.max=2
refused "service: a budget that no node could meet" "minAvailable must be below" render service least --set pdb.minAvailable=2
refused "service: an environment name twice"  "set twice"                    render service all --set env.DATABASE_URL=x
refused "service: a bad environment name"     "A-B"                          render service least --set env.A-B=x
refused "service: a host that is no name"     "host"                         render service least --set 'ingress.host=http://x'
refused "service: port 0"                     "port"                         render service least --set port=0
refused "namespace: of the platform"          "namespace"                    render namespace least --set namespace=kube-system
refused "namespace: an unknown environment"   "environment"                  render namespace least --set environment=live
refused "namespace: a misspelt key"           "quotas"                       render namespace least --set quotas.cpu=1
refused "namespace: a store role that is no ARN" "role"                      render namespace least --set secretStore.role=admin
refused "slipway: a role that nobody listed"  "bindableRoles"                render slipway least --set 'bindableRoles={cluster-admin}'
refused "slipway: a secret as a plain value"  "SLIPWAY_DATABASE_URL"         render slipway least --set env.SLIPWAY_DATABASE_URL=postgres://x
refused "slipway: a misspelt key"             "workers"                      render slipway least --set workers.replicas=2

# What the portal's chart promises about its two halves.
cat >"$WORK/halves.py" <<'PY'
import sys, yaml
docs = [d for d in yaml.safe_load_all(open(sys.argv[1])) if d]
dep = {d["metadata"]["name"]: d["spec"]["template"]["spec"] for d in docs if d["kind"] == "Deployment"}
web, work = dep["slipway-web"], dep["slipway-worker"]
assert web["serviceAccountName"] != work["serviceAccountName"], "one account for both"
assert web["automountServiceAccountToken"] is False and work["automountServiceAccountToken"] is True
secrets = lambda s: {e["valueFrom"]["secretKeyRef"]["name"] for e in s["containers"][0]["env"] if "valueFrom" in e} | {v["secret"]["secretName"] for v in s.get("volumes", []) if "secret" in v}
assert "slipway-worker" in secrets(work), "the worker has no key"
assert not secrets(web) & secrets(work), "the halves share a secret"
assert web["containers"][0]["command"] == ["slipway", "serve"] and work["containers"][0]["command"] == ["slipway", "work"]
bound = [s["name"] for d in docs if d["kind"].endswith("RoleBinding") for s in d["subjects"] if s["kind"] == "ServiceAccount"]
assert set(bound) == {work["serviceAccountName"]}, f"rights for {bound}"
roles = {d["metadata"]["name"]: d["rules"] for d in docs if d["kind"] == "ClusterRole"}
for name, rules in roles.items():
    for r in rules:
        assert "*" not in r["verbs"] and "escalate" not in r["verbs"] and "impersonate" not in r["verbs"], name
        assert "bind" not in r["verbs"] or r.get("resourceNames"), f"{name} binds anything"
        assert "secrets" not in r["resources"] or name == "portal-deploy", f"{name} reads Secrets"
job = next(d for d in docs if d["kind"] == "Job")
assert job["metadata"]["annotations"]["helm.sh/hook"] == "pre-install,pre-upgrade"
PY
check "slipway: web and worker share neither account nor secret, and web has no right" "${kv:-/usr}/venv/bin/python" "$WORK/halves.py" "$WORK/slipway-least.yaml"

# The chart and the binary speak of the same settings; what is not served is not asked for.
SETTINGS=("${kv:-/usr}/venv/bin/python" "$INFRA/tests/env.py")
check "slipway: the binary reads every setting that the chart gives, and gets those that it needs; probes ask for routes that exist" "${SETTINGS[@]}" "$WORK/slipway-least.yaml" "$INFRA/.."
check "slipway: and with everything switched on" "${SETTINGS[@]}" "$WORK/slipway-all.yaml" "$INFRA/.."
for n in SLIPWAY_DIRECTORY_KEY_FILE SLIPWAY_DIRECTORY_SUBJECT SLIPWAY_SMTP_URL SLIPWAY_MAIL_FROM SLIPWAY_SMTP_USER SLIPWAY_SMTP_PASSWORD SLIPWAY_CHAT_WEBHOOK; do
  check "slipway: $n is given to the worker when it is asked for, and not otherwise" bash -c "grep -q 'name: $n' '$WORK/slipway-all.yaml' && ! grep -q 'name: $n' '$WORK/slipway-least.yaml'"
done
sed 's/SLIPWAY_HOSTS/SLIPWAY_HOST/' "$WORK/slipway-least.yaml" >"$WORK/misspelt.yaml"
refused "slipway: a setting that the binary does not read is found" "SLIPWAY_HOST, which the binary does not read" "${SETTINGS[@]}" "$WORK/misspelt.yaml" "$INFRA/.."
refused "slipway: and one that is missing" "SLIPWAY_HOSTS is required" "${SETTINGS[@]}" "$WORK/misspelt.yaml" "$INFRA/.."
sed 's#/health/ready#/healthz#' "$WORK/slipway-least.yaml" >"$WORK/probe.yaml"
refused "slipway: a probe of a route that does not exist is found" "/healthz, which no route" "${SETTINGS[@]}" "$WORK/probe.yaml" "$INFRA/.."
refused "slipway: a setting that does not exist is refused by the chart" "SLIPWAY_SLOT" render slipway least --set env.SLIPWAY_SLOT=3
check "slipway: Prometheus asks for metrics only when told to" bash -c "! grep -q ServiceMonitor '$WORK/slipway-least.yaml' && grep -q ServiceMonitor '$WORK/slipway-all.yaml'"
finish
