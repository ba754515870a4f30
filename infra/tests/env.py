"""env.py RENDERED REPOSITORY : the chart "slipway" and the binary speak of the same settings.

Both ways: a name that the chart sets, or lets people set, must be read by the binary's source; and a setting that the
source knows must be set by the chart, be set by the image, or stand below with the reason why it is left alone. A new
setting therefore fails here until somebody has decided."""
import json
import pathlib
import re
import sys

import yaml

rendered, root = sys.argv[1], pathlib.Path(sys.argv[2])
LEFT_ALONE = {
    "SLIPWAY_PG_BIN": "`up` alone starts a PostgreSQL",
    "SLIPWAY_AWS_ENDPOINT": "an imitation of AWS has no place in a cluster",
    "SLIPWAY_AWS_IMITATION": "likewise",
    "SLIPWAY_DIRECTORY_KEY_FILE": "set when `directory.subject` names somebody; without, memberships are given by hand",
    "SLIPWAY_DIRECTORY_SUBJECT": "likewise",
    "SLIPWAY_DIRECTORY_URL": "Google's own, in a cluster",
    "SLIPWAY_DIRECTORY_TOKEN_URL": "likewise",
    "SLIPWAY_SMTP_URL": "set when `mail.host` names a server; without, nobody gets mail",
    "SLIPWAY_MAIL_FROM": "likewise",
    "SLIPWAY_SMTP_USER": "set when `mail.user` names one",
    "SLIPWAY_SMTP_PASSWORD": "likewise",
    "SLIPWAY_CHAT_WEBHOOK": "set when `chat.enabled`",
    "SLIPWAY_AUDIT_CHECKPOINTS": "the worker's data folder, where nobody says otherwise",
    "SLIPWAY_CLUSTERS": "the chart gives the worker no kubeconfig yet: a worker that releases charts runs elsewhere",
    "SLIPWAY_HELM": "likewise: the image holds no Helm yet",
    "SLIPWAY_ADMINS": "set when `admins` names somebody; without, the first start prints a link",
}
# Without these a pod would start and be useless, or not start at all.
REQUIRED = {
    "web": {"SLIPWAY_LISTEN", "SLIPWAY_HOSTS", "SLIPWAY_TLS", "SLIPWAY_DATABASE_URL", "SLIPWAY_GOOGLE_CLIENT_ID", "SLIPWAY_GOOGLE_CLIENT_SECRET", "SLIPWAY_GOOGLE_DOMAINS", "SLIPWAY_PUBLIC_URL", "SLIPWAY_TRUSTED_HOPS"},
    "worker": {"SLIPWAY_DATA", "SLIPWAY_KEY_FILE", "SLIPWAY_DATABASE_URL", "SLIPWAY_AWS_REGION", "SLIPWAY_PUBLIC_URL"},
    "migrate": {"SLIPWAY_DATABASE_URL"},
}
ONLY_WORKER = {"SLIPWAY_KEY_FILE", "SLIPWAY_DIRECTORY_KEY_FILE", "SLIPWAY_SMTP_PASSWORD", "SLIPWAY_CHAT_WEBHOOK", "SLIPWAY_CLUSTERS"}

source = "\n".join(p.read_text() for d in ("server/src", "app/src", "crates") for p in (root / d).rglob("*.rs") if "tests" not in p.parts)
config = (root / "server/src/config.rs").read_text()
known = set(re.findall(r'env = "(SLIPWAY_\w+)"', config))
read = known | set(re.findall(r'env::var(?:_os)?\("(SLIPWAY_\w+)"', source))
image = set(re.findall(r"\b(SLIPWAY_\w+)=", (root / "Dockerfile").read_text()))
settable = set(json.loads((root / "infra/charts/slipway/values.schema.json").read_text())["properties"]["env"]["properties"])
routes = set(re.findall(r'\.(?:route|get)\(\s*"(/[^"]+)"', source))

bad, given = [], {}
for doc in yaml.safe_load_all(open(rendered)):
    if doc and doc["kind"] == "ServiceMonitor":
        bad += [f"Prometheus is told to ask for {e['path']}, which no route answers" for e in doc["spec"]["endpoints"] if e["path"] not in routes]
    if not doc or doc["kind"] not in ("Deployment", "Job"):
        continue
    spec = doc["spec"]["template"]["spec"]
    for c in spec["containers"]:
        given[c["name"]] = {e["name"] for e in c.get("env", [])}
        for probe in ("startupProbe", "readinessProbe", "livenessProbe"):
            path = c.get(probe, {}).get("httpGet", {}).get("path")
            if path and path not in routes:
                bad.append(f"{c['name']}: the {probe} asks for {path}, which no route of the binary answers")
for name, names in given.items():
    bad += [f"{name}: the chart sets {n}, which the binary does not read" for n in sorted(names - read)]
    bad += [f"{name}: {n} is required and the chart does not set it" for n in sorted(REQUIRED[name] - names)]
    bad += [f"{name}: {n} belongs to the worker alone" for n in sorted(names & ONLY_WORKER) if name != "worker"]
bad += [f"no container is called {n}" for n in sorted(set(REQUIRED) - set(given))]
bad += [f"the chart lets people set {n}, which the binary does not read" for n in sorted(settable - read)]
bad += [f"the image sets {n}, which the binary does not read" for n in sorted(image - read)]
decided = set().union(*given.values()) | settable | image | set(LEFT_ALONE)
bad += [f"the binary reads {n}, and nobody has decided about it here" for n in sorted(known - decided)]
bad += [f"{n} is left alone here and the binary no longer knows it" for n in sorted(set(LEFT_ALONE) - known)]
print(f"{len(known)} settings; set by the chart: {sum(map(len, given.values()))}")
print("\n".join(bad))
sys.exit(bool(bad) or not known)
