"""strict.py VERSION FILE... : every manifest against Kubernetes' own schema of that version, unknown keys refused; then
what our charts promise of every pod and container (Pod Security Standard "restricted", digests, limits), so that a
template which forgets one of them fails here and not in a review. Kinds of extensions (CRDs) are named, not checked."""
import sys

import kubernetes_validate as kv
import yaml

version, files = sys.argv[1], sys.argv[2:]
own = ("external-secrets.io/", "monitoring.coreos.com/")
bad, count, foreign = [], 0, 0


def pods(doc):
    kind = doc["kind"]
    if kind in ("Deployment", "Job", "StatefulSet", "DaemonSet"):
        yield doc["spec"]["template"]["spec"]
    if kind == "CronJob":
        yield doc["spec"]["jobTemplate"]["spec"]["template"]["spec"]


def promises(doc):
    for spec in pods(doc):
        sec = spec.get("securityContext", {})
        yield sec.get("runAsNonRoot") is True, "runs as root"
        yield sec.get("seccompProfile", {}).get("type") == "RuntimeDefault", "no seccomp profile"
        yield not any(spec.get(k) for k in ("hostNetwork", "hostPID", "hostIPC")), "shares the host"
        yield all(set(v) <= {"name", "emptyDir", "secret"} for v in spec.get("volumes", [])), "mounts more than scratch space and secrets"
        held = {v["name"] for v in spec.get("volumes", []) if "secret" in v}
        yield not any(m["name"] in held for c in spec["containers"] for m in c.get("volumeMounts", [])), "a Secret's files reach a container that runs on"
        for c in spec["containers"] + spec.get("initContainers", []):
            cs = c.get("securityContext", {})
            yield cs.get("allowPrivilegeEscalation") is False, "may gain rights"
            yield cs.get("capabilities", {}).get("drop") == ["ALL"], "keeps capabilities"
            yield cs.get("readOnlyRootFilesystem") is True, "may write its image"
            yield "@sha256:" in c["image"], "image not by digest"
            yield bool(c["resources"]["limits"].get("memory")) and bool(c["resources"]["requests"].get("cpu")), "no limits"
            names = [e["name"] for e in c.get("env", [])]
            yield len(names) == len(set(names)), "an environment name twice"


for f in files:
    for doc in yaml.safe_load_all(open(f)):
        if not doc:
            continue
        count += 1
        who = f"{f}: {doc['kind']}/{doc['metadata']['name']}"
        if doc["apiVersion"].startswith(own):
            foreign += 1
        else:
            try:
                kv.validate(doc, version, strict=True)
            except Exception as e:  # noqa: BLE001  the library has one exception per cause
                bad.append(f"{who}: {str(e).splitlines()[0]}")
        bad += [f"{who}: {why}" for ok, why in promises(doc) if not ok]
print(f"{version}: {count} manifests, {foreign} of extensions")
print("\n".join(bad))
sys.exit(1 if bad or not count else 0)
