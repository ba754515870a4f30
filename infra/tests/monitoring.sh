#!/bin/bash
# Rules tested by promtool, every dashboard's question parsed by Prometheus, what the add-ons' values promise asserted,
# and those charts rendered that can be had here (they ship inside their projects' Go modules).
TIER=monitoring
# shellcheck source=lib.sh
source "$(dirname "$0")/lib.sh"
M=$INFRA/monitoring
check "dashboards are as written" python3 "$M/dashboards.py" --check
if need "rules" promtool; then
  PT=$PART_DIR/usr/bin/promtool
  for r in slipway platform; do
    check "$r: rules are valid" "$PT" check rules "$M/rules/$r.yaml"
    check "$r: rules alarm when they should and not else" "$PT" test rules "$M/rules/$r.test.yaml"
  done
  { printf 'groups:\n  - name: boards\n    rules:\n'; python3 "$M/dashboards.py" --exprs; } >"$WORK/boards.yaml"
  check "every dashboard's question is valid" "$PT" check rules "$WORK/boards.yaml"
  printf 'groups: [{name: x, rules: [{alert: A, expr: "sum(x) >"}]}]\n' >"$WORK/bad.yaml"
  refused "a broken rule is refused" "parse error|FAILED" "$PT" check rules "$WORK/bad.yaml"
fi
kv=$(part kube-validate) || { skip "values" "the part 'kube-validate' is not here"; finish; }
PY=$kv/venv/bin/python
check "every alert says what to do, and is tested" "$PY" - "$M/rules" <<'PY'
import pathlib, sys, yaml
for f in pathlib.Path(sys.argv[1]).glob("*.yaml"):
    if f.name.endswith(".test.yaml"): continue
    tested = f.with_name(f.stem + ".test.yaml").read_text()
    for g in yaml.safe_load(f.read_text())["groups"]:
        for r in g["rules"]:
            if "alert" in r:
                assert {"summary", "what_to_do"} <= set(r["annotations"]) and r["labels"]["severity"] in ("page", "ticket"), r["alert"]
                assert r["alert"] in tested, f"{r['alert']} has no test"
PY
# The portal's metrics: what is asked for is what docs/metrics.md promises, by name and by label.
cat >"$WORK/metrics.py" <<'PY'
import pathlib, re, sys, yaml
doc, rules, boards, source = sys.argv[1:]
table = {m[0]: (m[1], set(re.findall(r"`(\w+)`", m[2])), m[3]) for m in re.findall(r"^\| `(slipway_\w+)` \| (\w+) \| (.*?) \| (\w+) \|", open(doc).read(), re.M)}
assert len(table) > 5 and all(t in ("counter", "gauge", "histogram") and f in ("process", "database") for t, _, f in table.values()), "the table of docs/metrics.md cannot be read"
exprs = [(r["alert"], r["expr"]) for g in yaml.safe_load(open(rules))["groups"] for r in g["rules"]] + [(r["record"], r["expr"]) for g in yaml.safe_load(open(boards))["groups"] for r in g["rules"]]
bad = []
for who, expr in exprs:
    for name in set(re.findall(r"\bslipway_\w+", expr)):
        base = re.sub(r"_(bucket|sum|count)$", "", name) if name not in table else name
        if base not in table:
            bad.append(f"{who}: {name} is not in docs/metrics.md"); continue
        kind, labels, origin = table[base]
        used = set(re.findall(r"(\w+)\s*(?:=~|!~|!=|=)\s*\"", " ".join(re.findall(name + r"\{([^}]*)\}", expr)))) | {l.strip() for by in re.findall(r"\bby \(([^)]*)\)", expr) for l in by.split(",")} - {"le"}
        bad += [f"{who}: {name} has no label {l}" for l in sorted(used - labels)]
        if kind == "counter" and not re.search(r"(rate|increase)\(" + name, expr): bad.append(f"{who}: {name} only grows; ask for its rate")
        if origin == "database" and "sum" in expr: bad.append(f"{who}: every web process says {name}; max, not sum")
source = "\n".join(p.read_text() for p in pathlib.Path(source).rglob("*.rs"))
exported = set(re.findall(r"# TYPE (slipway_\w+)", source))
bad += [f"the portal exports {n}, which docs/metrics.md lacks" for n in sorted(exported - set(table))]
print("not exported yet: " + ", ".join(sorted(set(table) - exported)) if set(table) - exported else "all are exported")
print("\n".join(bad)); sys.exit(bool(bad))
PY
{ printf 'groups:\n  - name: boards\n    rules:\n'; python3 "$M/dashboards.py" --exprs; } >"$WORK/boards.yaml"
metrics() { "$PY" "$WORK/metrics.py" "$INFRA/../docs/metrics.md" "$1" "$WORK/boards.yaml" "$INFRA/../server/src"; }
check "alerts and dashboards ask for what docs/metrics.md says, and so does the portal" metrics "$M/rules/slipway.yaml"
metrics "$M/rules/slipway.yaml" | head -1
sed 's/slipway_workers_alive/slipway_worker_alive/' "$M/rules/slipway.yaml" >"$WORK/wrong.yaml"
refused "a metric that nobody promised is found" "slipway_worker_alive is not in" metrics "$WORK/wrong.yaml"
sed 's/slipway_runs{state=/slipway_runs{phase=/' "$M/rules/slipway.yaml" >"$WORK/wrong.yaml"
refused "and a label" "has no label phase" metrics "$WORK/wrong.yaml"
fill() { sed -e "s|\${registry}|registry.example.org|g; s|\${cluster}|shop-dev|g; s|\${region}|eu-west-1|g; s|\${dns_domain}|dev.example.org|g; s|\${dns_policy}|sync|g" "$M/addons.yaml"; }
fill >"$WORK/addons.yaml"
check "no placeholder is left, no secret is given" bash -c "! grep -nE '\\\$\{|client_secret *[:=]|password: [^{]' '$WORK/addons.yaml'"
check "what the values promise" "$PY" - "$WORK/addons.yaml" <<'PY'
import re, sys, yaml
a = yaml.safe_load(open(sys.argv[1]))["addons"]
assert all(re.fullmatch(r"\d+\.\d+\.\d+", x["version"]) and x["repository"].startswith("oci://registry.example.org") for x in a.values())
e = a["external-secrets"]["values"]
assert not any(e[k] for k in ("processClusterExternalSecret", "processClusterStore", "processClusterPushSecret", "processPushSecret"))
assert e["rbac"] == {"serviceAccountTokenCreate": False, "aggregateToEdit": False, "aggregateToAdmin": False} and e["leaderElect"]
d = a["external-dns"]["values"]
assert d["policy"] == "sync" and d["txtOwnerId"] == "shop-dev" and d["domainFilters"] == ["dev.example.org"] and d["registry"] == "txt"
g = a["kube-prometheus-stack"]["values"]["grafana"]; ini = g["grafana.ini"]; goo = ini["auth.google"]
assert goo["enabled"] and goo["validate_hd"] and goo["hosted_domain"] and goo["allowed_domains"] and goo["allowed_groups"] and goo["use_pkce"] and goo["role_attribute_strict"]
assert ini["auth"]["disable_login_form"] and not ini["auth.basic"]["enabled"] and not ini["auth.anonymous"]["enabled"] and g["envFromSecret"]
assert ini["server"]["root_url"] == "https://grafana.dev.example.org"
p = a["kube-prometheus-stack"]["values"]["prometheus"]["prometheusSpec"]
assert not any(p[k] for k in p if k.endswith("NilUsesHelmValues")) and p["retention"] == "15d"
s = a["eck-stack"]["values"]; es = s["eck-elasticsearch"]
assert es["nodeSets"][0]["count"] == 3 and "selfSignedCertificate" not in str(es), "TLS must stay on"
assert es["version"] == s["eck-kibana"]["version"] and s["eck-kibana"]["http"]["service"]["spec"]["type"] == "ClusterIP"
f = a["fluentd"]["values"]; conf = f["fileConfigs"]["04_outputs.conf"]
assert "scheme https" in conf and "ssl_verify true" in conf and "@type file" in conf and '"min_age":"14d"' in conf
# The authority's file is mounted from what the operator publishes for the server that is named as host.
ca, host = re.search(r"ca_file (\S+)/ca\.crt", conf)[1], re.search(r"host (\S+)-es-http\.logging\.svc", conf)[1]
mounts = {m["mountPath"]: m["name"] for m in f["volumeMounts"]}; held = {v["name"]: v["secret"]["secretName"] for v in f["volumes"]}
assert held[mounts[ca]] == f"{host}-es-http-certs-public", "the certificate's authority is not mounted"
assert f"elasticsearch{es['version'].split('.')[0]}" in f["image"]["tag"], "client and server of different majors"
PY
# The two charts that cannot be had: our values by schemas written after the charts' own values.
cat >"$WORK/schemas.py" <<'PY'
import json, sys, yaml, jsonschema
name, addons, folder = sys.argv[1:]
jsonschema.validate(yaml.safe_load(open(addons))["addons"][name]["values"], json.load(open(f"{folder}/{name}.schema.json")))
PY
if lint=$(part lint); then
  for c in kube-prometheus-stack fluentd; do check "$c: our values by a strict schema" "$lint/venv/bin/python" "$WORK/schemas.py" "$c" "$WORK/addons.yaml" "$M/schemas"; done
  sed 's/validate_hd: true/validate_hd: false/' "$WORK/addons.yaml" >"$WORK/open.yaml"
  refused "kube-prometheus-stack: a Google sign-in that takes any domain is refused" "True was expected" "$lint/venv/bin/python" "$WORK/schemas.py" kube-prometheus-stack "$WORK/open.yaml" "$M/schemas"
  sed 's/fileConfigs:/fileConfig:/' "$WORK/addons.yaml" >"$WORK/open.yaml"
  refused "fluentd: a misspelt key is refused" "fileConfig" "$lint/venv/bin/python" "$WORK/schemas.py" fluentd "$WORK/open.yaml" "$M/schemas"
else skip "strict schemas of charts that cannot be had" "the part 'lint' is not here"; fi
check "fluentd's output policy is valid JSON" "$PY" - "$WORK/addons.yaml" <<'PY'
import json, re, sys, yaml
c = yaml.safe_load(open(sys.argv[1]))["addons"]["fluentd"]["values"]["fileConfigs"]["04_outputs.conf"]
json.loads(re.search(r"ilm_policy (\{.*)", c)[1])
PY
if command -v terraform >/dev/null; then
  # The module helm fills the file in with templatefile; a stray dollar would stop it there.
  check "the module's own function fills the placeholders in" bash -c "cd '$WORK' && echo 'yamldecode(templatefile(\"$M/addons.yaml\", {registry=\"r\", cluster=\"c\", region=\"r\", dns_domain=\"d\", dns_policy=\"upsert-only\"})).addons.external-dns.values.policy' | terraform console | grep -q upsert-only"
fi
if need "rendering of add-ons" helm; then
  HELM=$PART_DIR/bin/helm
  export HELM_CACHE_HOME=$WORK/helm HELM_CONFIG_HOME=$WORK/helm HELM_DATA_HOME=$WORK/helm
  values() { "$PY" -c 'import sys, yaml; print(yaml.safe_dump(yaml.safe_load(open(sys.argv[1]))["addons"][sys.argv[2]]["values"]))' "$WORK/addons.yaml" "$1"; }
  strict() { "$PY" - "$1" <<'PY'
import sys, yaml, kubernetes_validate as kv
n = 0
for d in yaml.safe_load_all(open(sys.argv[1])):
    if d and not d["apiVersion"].startswith(("external-secrets.io", "monitoring.coreos.com", "apiextensions.k8s.io", "elasticsearch.k8s.elastic.co", "kibana.k8s.elastic.co")):
        kv.validate(d, "1.35", strict=True); n += 1
print(n, "manifests checked")
PY
  }
  addon() { # NAME CHART-FOLDER
    values "$1" >"$WORK/$1-values.yaml"
    if [ -d "$2/charts" ] || ! grep -q '^dependencies' "$2/Chart.yaml"; then :; else cp -r "$2" "$WORK/$1-chart"; sed -i '/^dependencies:/,/^[a-z]*:/{/^dependencies:/d;/^ /d;/^-/d}' "$WORK/$1-chart/Chart.yaml"; rm -f "$WORK/$1-chart/Chart.lock"; set -- "$1" "$WORK/$1-chart"; fi
    if "$HELM" template "$1" "$2" -n "$1" -f "$WORK/$1-values.yaml" --kube-version 1.35.0 >"$WORK/$1.yaml" 2>"$WORK/$1.err"; then pass "$1: rendered with our values ($(sed -n 's/^version: *//p' "$2/Chart.yaml" | tr -d '"'))"; else fail "$1: render" "$(cat "$WORK/$1.err")"; return; fi
    check "$1: strictly valid" strict "$WORK/$1.yaml"
  }
  if d=$(part external-secrets-chart); then
    addon external-secrets "$d/external-secrets"
    check "external-secrets: no editor gets its rights, no cluster-wide store is watched" "$PY" - "$WORK/external-secrets.yaml" <<'PY'
import sys, yaml
docs = [d for d in yaml.safe_load_all(open(sys.argv[1])) if d]
for d in docs:
    if d["kind"] == "ClusterRole":
        l = d["metadata"].get("labels", {})
        # This chart (1.3.1) always aggregates to admin, which nobody of ours has; aggregateToAdmin came later.
        assert "rbac.authorization.k8s.io/aggregate-to-edit" not in l, d["metadata"]["name"]
args = next(d for d in docs if d["kind"] == "Deployment" and d["metadata"]["name"] == "external-secrets")["spec"]["template"]["spec"]["containers"][0]["args"]
for a in ("--enable-cluster-store-reconciler=false", "--enable-cluster-external-secret-reconciler=false", "--enable-leader-election=true"):
    assert a in args, (a, args)
PY
  else skip "external-secrets: rendering" "the part 'external-secrets-chart' is not here"; fi
  if d=$(part external-dns); then
    addon external-dns "$d/charts/external-dns"
    check "external-dns: policy, owner and filter arrive" bash -c "for a in --policy=sync --txt-owner-id=shop-dev --domain-filter=dev.example.org --registry=txt; do grep -q -- \"\$a\" '$WORK/external-dns.yaml' || { echo \$a; exit 1; }; done"
  else skip "external-dns: rendering" "the part 'external-dns' is not here"; fi
  if d=$(part eck); then
    addon eck-operator "$d/eck-operator"
    addon eck-stack "$d/eck-stack"
    check "eck-stack: TLS is on, three nodes, Kibana private" "$PY" - "$WORK/eck-stack.yaml" <<'PY'
import sys, yaml
docs = {d["kind"]: d for d in yaml.safe_load_all(open(sys.argv[1])) if d}
es, kb = docs["Elasticsearch"]["spec"], docs["Kibana"]["spec"]
assert es["nodeSets"][0]["count"] == 3 and es["version"] == kb["version"] == "8.19.0"
assert not es.get("http", {}).get("tls", {}).get("selfSignedCertificate", {}).get("disabled")
assert kb["http"]["service"]["spec"]["type"] == "ClusterIP"
PY
  else skip "eck: rendering" "the part 'eck' is not here"; fi
  # The module's README says which versions were rendered here; it must not say more than is true.
  cat >"$WORK/versions.py" <<'PY'
import pathlib, re, sys, yaml
readme, addons, *charts = sys.argv[1:]
rows = {m[0]: m[1:] for m in re.findall(r"^\| `([\w-]+)` \| (\S+) \| ([^|]+) \|", open(readme).read(), re.M) if re.match(r"\d", m[1])}
pinned = {n: a["version"] for n, a in yaml.safe_load(open(addons))["addons"].items()}
here = {pathlib.Path(c).name: yaml.safe_load((pathlib.Path(c) / "Chart.yaml").read_text())["version"] for c in charts}
bad = [f"{n}: pinned to {v}, the README says {rows.get(n, ['nothing'])[0]}" for n, v in pinned.items() if rows.get(n, [""])[0] != v]
bad += [f"{n}: {rows[n][1].strip()} is said to be rendered, here is {here.get(n, 'none')}" for n in rows if (rows[n][1].strip() != here.get(n)) and not (n not in here and rows[n][1].startswith("no:"))]
print("\n".join(bad)); sys.exit(bool(bad) or not here)
PY
  check "the README of the module helm says truly which versions were rendered" "$PY" "$WORK/versions.py" "$INFRA/modules/helm/README.md" "$WORK/addons.yaml" "$(part external-secrets-chart)/external-secrets" "$(part external-dns)/charts/external-dns" "$(part eck)/eck-operator" "$(part eck)/eck-stack"
  for c in kube-prometheus-stack fluentd; do printf 'not rendered: %s (no route to the chart here; its values are asserted above)\n' "$c"; done
fi
finish
