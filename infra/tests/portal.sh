#!/bin/bash
# The portal's own binary with exactly the environment that its chart renders, against a real PostgreSQL with one login
# per part: migration, web and worker start and answer. No container runs here, so a pod is a process without rights of
# its own, in a network of its own (so that 0.0.0.0:8080 is nobody else's), with the pod's paths laid beneath a folder.
# SLIPWAY_BIN names the binary; PostgreSQL is SLIPWAY_PG_BIN or the machine's.
TIER=portal
# shellcheck source=lib.sh
source "$(dirname "$0")/lib.sh"
need "chart and binary" helm || finish
HELM=$PART_DIR/bin/helm
need "chart and binary" kube-validate || finish
PY=$PART_DIR/venv/bin/python
BIN=${SLIPWAY_BIN:-$INFRA/../target/debug/slipway}
[ -x "$BIN" ] || { skip "chart and binary" "the portal is not built (make build, or SLIPWAY_BIN)"; finish; }
PGBIN=${SLIPWAY_PG_BIN:-$(find /usr/lib/postgresql -mindepth 2 -maxdepth 2 -name bin 2>/dev/null | sort -V | tail -1)}
[ -x "$PGBIN/initdb" ] || { skip "chart and binary" "PostgreSQL is not on this machine (SLIPWAY_PG_BIN)"; finish; }
[ "$(id -u)" = 0 ] || { skip "chart and binary" "only the superuser can give each part a user and a network of its own here"; finish; }
command -v setpriv >/dev/null || { skip "chart and binary" "setpriv is not on this machine"; finish; }
export HELM_CACHE_HOME=$WORK/helm HELM_CONFIG_HOME=$WORK/helm HELM_DATA_HOME=$WORK/helm
POD=10001 DB=$(id -u postgres 2>/dev/null || id -u nobody) # the pod's user as the chart says it, and one for the database, which insists on a name
chmod 755 "$WORK"
as() { local u=$1; shift; setpriv --reuid="$u" --regid="$u" --clear-groups "$@"; }

# The database, reached by a socket; with a login for each part, as docs/operating.md says.
mkdir "$WORK/pg" && chown $DB "$WORK/pg"
as $DB "$PGBIN/initdb" -D "$WORK/pg/data" -U boss --auth=trust >"$WORK/initdb.log" 2>&1 || { fail "initdb" "$(cat "$WORK/initdb.log")"; finish; }
as $DB "$PGBIN/postgres" -D "$WORK/pg/data" -k "$WORK/pg" -c listen_addresses= -c fsync=off >"$WORK/pg.log" 2>&1 &
started+=("$!")
psql() { "$PGBIN/psql" -h "$WORK/pg" -U boss -qAtX -v ON_ERROR_STOP=1 -d "${DBNAME:-slipway}" "$@" 2>&1; }
DBNAME=postgres eventually 20 psql -c 'select 1' >/dev/null
check "a database with a login for each part" bash -c "'$PGBIN/psql' -h '$WORK/pg' -U boss -qX -v ON_ERROR_STOP=1 -d postgres -c 'create role slipway_owner login createrole' -c 'create role portal_web login' -c 'create role portal_worker login' -c 'create database slipway owner slipway_owner'"

"$HELM" template slipway "$INFRA/charts/slipway" -n slipway -f "$INFRA/tests/values/slipway-least.yaml" --kube-version 1.35.0 >"$WORK/slipway.yaml"
head -c 32 /dev/urandom >"$WORK/worker.key"
# pod.py RENDERED PART FOLDER : writes FOLDER/env (the image's and the rendered environment, a line each) and FOLDER/init.
cat >"$WORK/pod.py" <<'PY'
import os, pathlib, re, sys, yaml
rendered, part, folder, dockerfile, socket = sys.argv[1:]
url = lambda user: f"postgres://{user}@localhost/slipway?host={socket}"
secret = {("slipway-database-web", "url"): url("portal_web"), ("slipway-database-worker", "url"): url("portal_worker"), ("slipway-database-owner", "url"): url("slipway_owner"), ("slipway-web", "google_client_id"): "123-abc.apps.example.org", ("slipway-web", "google_client_secret"): "not-a-real-one"}
spec = next(d["spec"]["template"]["spec"] for d in yaml.safe_load_all(open(rendered)) if d and d["kind"] in ("Deployment", "Job") and d["metadata"]["name"] == f"slipway-{part}")
home = pathlib.Path(folder)
def under(value):  # the pod's mounts, beneath our folder
    for mount in sorted({m["mountPath"] for c in spec["containers"] + spec.get("initContainers", []) for m in c.get("volumeMounts", [])}, key=len, reverse=True):
        if value == mount or value.startswith(mount + "/"):
            return f"{home}{value}"
    return value
c = spec["containers"][0]
env = {}
for e in c.get("env", []):
    ref = e.get("valueFrom", {}).get("secretKeyRef")
    env[e["name"]] = secret[(ref["name"], ref["key"])] if ref else under(e["value"])
for v in spec.get("volumes", []):
    for k in spec["containers"] + spec.get("initContainers", []):
        for m in k.get("volumeMounts", []):
            if m["name"] == v["name"]:
                p = home / m["mountPath"].lstrip("/"); p.mkdir(parents=True, exist_ok=True)
                # A Secret's files are the superuser's and readable for the pod's group; scratch space is the pod's.
                os.chown(p, 0 if "secret" in v else spec["securityContext"]["runAsUser"], spec["securityContext"]["fsGroup"])
                if "secret" in v:
                    f = p / v["secret"]["items"][0]["path"]
                    f.write_bytes(pathlib.Path(folder).parent.joinpath("worker.key").read_bytes())
                    os.chown(f, 0, spec["securityContext"]["fsGroup"]); f.chmod(v["secret"]["defaultMode"] | 0o040)
(home / "env").write_text("".join(f"{k}={v}\n" for k, v in env.items()))
(home / "command").write_text("\n".join(c["command"][1:]) + "\n")
(home / "init").write_text("\n".join(under(a) for i in spec.get("initContainers", []) for a in i["command"]))
PY
for part in web worker migrate; do
  mkdir -p "$WORK/$part"
  "$PY" "$WORK/pod.py" "$WORK/slipway.yaml" "$part" "$WORK/$part" "$INFRA/../Dockerfile" "$WORK/pg" || { fail "$part: the environment could not be read off the chart" ""; finish; }
done
# What the image brings, where this machine keeps it.
cp "$BIN" "$WORK/slipway"
mkdir -p "$WORK/site"; if [ -f "${SLIPWAY_SITE:-$INFRA/../target/site}/assets.json" ]; then cp -r "${SLIPWAY_SITE:-$INFRA/../target/site}/." "$WORK/site"; else echo '{}' >"$WORK/site/assets.json"; fi
cp -r "$INFRA/catalog" "$WORK/catalog"
ENGINE=${SLIPWAY_ENGINE:-$(command -v terraform || true)}
image=("PATH=/usr/local/bin:/usr/bin:/bin" "SLIPWAY_SITE=$WORK/site" "SLIPWAY_CATALOG=$WORK/catalog" "SLIPWAY_ENGINE=$ENGINE" CHECKPOINT_DISABLE=1)
in_pod() { # PART COMMAND... : as the pod's user, with the image's and the rendered environment and no other
  local part=$1 lines; shift; mapfile -t lines <"$WORK/$part/env"
  as $POD env -i "${image[@]}" "${lines[@]}" "$@"
}
command_of() { cat "$WORK/$1/command"; }

check "migrate: with the owner's address" in_pod migrate "$WORK/slipway" "$(command_of migrate)"
check "migrate: again, and nothing happens" in_pod migrate "$WORK/slipway" "$(command_of migrate)"
# The migrations make the two roles; that the logins may take them on is step 7 of docs/operating.md.
refused "web: a login that may not be the web role is refused" "permission denied|does not let us in" in_pod web "$WORK/slipway" check
check "the logins get one role each" psql -c 'grant slipway_web to portal_web' -c 'grant slipway_worker to portal_worker'
refused "the web's login cannot become the worker" "permission denied" bash -c "'$PGBIN/psql' -h '$WORK/pg' -U portal_web -qX -v ON_ERROR_STOP=1 -d slipway -c 'set role slipway_worker'"

# The worker's key, as the pod gets it.
refused "worker: a Secret's file as Kubernetes mounts it is refused" "can be read by others" in_pod worker env "SLIPWAY_KEY_FILE=$WORK/worker/secret/worker.key" "$WORK/slipway" work
mapfile -t init <"$WORK/worker/init"
check "worker: the pod's first container lays the key down" as $POD "${init[@]}"
check "worker: for its owner alone" is "600 $POD" stat -c '%a %u' "$WORK/worker/key/worker.key"
check "web: has no way to the key" bash -c "! grep -qi key '$WORK/web/env' && [ ! -e '$WORK/web/key' ]"

# "slipway check" judges web and worker together: what it would still miss is what the chart forgot.
cat "$WORK/worker/env" "$WORK/web/env" | awk -F= '!seen[$1]++' >"$WORK/both.env"; mkdir -p "$WORK/both"; cp "$WORK/both.env" "$WORK/both/env"
sed -i "s|^SLIPWAY_DATABASE_URL=.*|$(grep ^SLIPWAY_DATABASE_URL "$WORK/web/env" | sed 's/[&|]/\\&/g')|" "$WORK/both/env"
check "slipway check: nothing would stop a production start" in_pod both "$WORK/slipway" check
for gone in SLIPWAY_HOSTS SLIPWAY_TLS SLIPWAY_GOOGLE_CLIENT_ID SLIPWAY_KEY_FILE; do
  mkdir -p "$WORK/without"; grep -v "^$gone=" "$WORK/both/env" >"$WORK/without/env"
  refused "slipway check: without $gone it would" "would stop a production start" in_pod without "$WORK/slipway" check
done

# Web, in a network of its own.
cat >"$WORK/net.sh" <<'S'
ip link set lo up
"$@" &
pid=$!
ask() { curl -s -o /dev/null -m 10 -w '%{http_code}' "$@"; }
for _ in $(seq 100); do [ "$(ask http://127.0.0.1:8080/health/ready)" = 200 ] && break; kill -0 $pid 2>/dev/null || exit 1; sleep .2; done
echo "ready $(ask http://127.0.0.1:8080/health/ready)"
echo "live $(ask http://127.0.0.1:8080/health/live)"
echo "probe-by-address $(ask -H 'Host: 10.1.2.3:8080' http://127.0.0.1:8080/health/ready)"
echo "own-host $(ask -H "Host: $PORTAL_HOST" http://127.0.0.1:8080/sign-in)"
echo "other-host $(ask -H 'Host: evil.example.com' http://127.0.0.1:8080/sign-in)"
echo "demo $(ask -H "Host: $PORTAL_HOST" -H "Origin: https://$PORTAL_HOST" -d persona=admin http://127.0.0.1:8080/sign-in)"
kill -TERM $pid; wait $pid; echo "left $?"
S
mapfile -t lines <"$WORK/web/env"
PORTAL_HOST=slipway.example.org timeout 90 unshare -n bash "$WORK/net.sh" setpriv --reuid=$POD --regid=$POD --clear-groups env -i "${image[@]}" "${lines[@]}" "$WORK/slipway" "$(command_of web)" >"$WORK/web.out" 2>"$WORK/web.err"
answer() { sed -n "s/^$1 //p" "$WORK/web.out"; }
if [ -n "$(answer ready)" ]; then pass "web: starts with what the chart gives"; else fail "web: starts with what the chart gives" "$(cat "$WORK/web.out" "$WORK/web.err")"; fi
check "web: its startup and readiness probe is answered" is 200 answer ready
check "web: its liveness probe is answered" is 200 answer live
check "web: probes come by the pod's address, and are answered all the same" is 200 answer probe-by-address
check "web: the chart's host is its own" is 200 answer own-host
check "web: another host is turned away" is 421 answer other-host
check "web: nobody is let in as an invented person" is 404 answer demo
check "web: leaves in order when it is told to" is 0 answer left

# The worker.
if [ -n "$ENGINE" ]; then
  mapfile -t lines <"$WORK/worker/env"
  # Without a shell in between: the signal below is for the worker itself.
  setpriv --reuid=$POD --regid=$POD --clear-groups env -i "${image[@]}" "${lines[@]}" "$WORK/slipway" "$(command_of worker)" >"$WORK/worker.out" 2>&1 &
  worker=$!; started+=("$worker")
  check "worker: reports to the database" eventually 40 bash -c "[ \"\$('$PGBIN/psql' -h '$WORK/pg' -U boss -qAtX -d slipway -c 'select count(*) from worker')\" -ge 1 ]"
  check "worker: its public key is there for the web to seal with" eventually 20 bash -c "[ \"\$('$PGBIN/psql' -h '$WORK/pg' -U boss -qAtX -d slipway -c 'select count(*) from worker_key')\" -ge 1 ]"
  check "worker: writes into the pod's scratch space alone" bash -c "[ -n \"\$(ls -A '$WORK/worker/work')\" ]"
  kill -TERM "$worker"; wait "$worker"; code=$?
  check "worker: leaves in order when it is told to" is 0 echo "$code"
else skip "worker" "no engine is on this machine (SLIPWAY_ENGINE)"; fi
if grep -q '"/metrics"' "$INFRA/../server/src/door.rs"; then :; else printf 'not there yet: /metrics (docs/metrics.md); the ServiceMonitor is therefore off\n'; fi
finish
