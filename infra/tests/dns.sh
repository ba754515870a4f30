#!/bin/bash
# A name's way: the Ingress of the chart "service" -> the real external-dns -> records in a Route53 zone (moto), with the
# owner's mark; and gone after the release is uninstalled.
TIER=dns
# shellcheck source=lib.sh
source "$(dirname "$0")/lib.sh"
need "DNS end to end" moto || finish
PY=$PART_DIR/venv/bin/python
need "DNS end to end" external-dns || finish
DNS=$PART_DIR/bin/external-dns
cluster_up "DNS end to end" || finish
moto_up || { fail "moto did not start"; finish; }
C=$INFRA/charts V=$INFRA/tests/values

"$PY" - >"$WORK/zones" <<'PY'
import boto3, os
c = boto3.client("route53", endpoint_url=os.environ["AWS_ENDPOINT_URL"])
for n in ("dev.example.org", "prod.example.org"):
    print(c.create_hosted_zone(Name=n, CallerReference=n)["HostedZone"]["Id"].split("/")[-1])
PY
{ read -r zone; read -r other; } <"$WORK/zones"
records() { "$PY" - "$1" <<'PY'
import boto3, os, sys
c = boto3.client("route53", endpoint_url=os.environ["AWS_ENDPOINT_URL"])
for r in c.list_resource_record_sets(HostedZoneId=sys.argv[1])["ResourceRecordSets"]:
    if r["Type"] not in ("NS", "SOA"):
        print(r["Type"], r["Name"].rstrip("."), *[v["Value"] for v in r.get("ResourceRecords", [])])
PY
}
has() { local all; all=$(records "$zone") && grep -qE "$1" <<<"$all"; }
without() { local all; all=$(records "$zone") && ! grep -qE "$1" <<<"$all"; }

# The same settings as in infra/monitoring/addons.yaml for an environment that is not production.
"$DNS" --kubeconfig "$KUBECONFIG" --source=ingress --provider=aws --policy=sync --registry=txt --txt-owner-id=shop-dev \
  --domain-filter=dev.example.org --interval=2s --min-event-sync-interval=1s --metrics-address="127.0.0.1:$(free_port)" >"$WORK/dns.log" 2>&1 &
started+=("$!")

kubectl create namespace shop >/dev/null
release() { "$HELM" upgrade --install "$1" "$C/service" -n shop -f "$V/service-least.yaml" --set "ingress.host=$2" --wait --timeout 180s; }
# What a load balancer's controller would write into the Ingress.
balancer() { kubectl -n shop patch ingress "$1" --subresource=status --type=merge -p '{"status":{"loadBalancer":{"ingress":[{"ip":"192.0.2.10"}]}}}'; }
check "a release with a host" release checkout checkout.dev.example.org
check "its ingress gets an address" balancer checkout
check "the A record is in the zone" eventually 60 has '^A checkout.dev.example.org 192.0.2.10'
check "with the owner's mark" eventually 20 has '^TXT .*checkout.*owner=shop-dev'
check "a release with a host of another zone" release foreign foreign.prod.example.org
check "its ingress gets an address too" balancer foreign
sleep 6
check "outside the domain filter nothing is written" is "" records "$other"
"$PY" - "$zone" <<'PY'
import boto3, os, sys
c = boto3.client("route53", endpoint_url=os.environ["AWS_ENDPOINT_URL"])
c.change_resource_record_sets(HostedZoneId=sys.argv[1], ChangeBatch={"Changes": [{"Action": "UPSERT", "ResourceRecordSet": {"Name": "byhand.dev.example.org", "Type": "A", "TTL": 60, "ResourceRecords": [{"Value": "192.0.2.99"}]}}]})
PY
check "the release is uninstalled" "$HELM" uninstall checkout -n shop --wait --timeout 180s
check "its records are gone" eventually 60 without 'checkout'
check "a record that somebody made by hand stays" has '^A byhand.dev.example.org'
[ "$failed" -eq 0 ] || tail -5 "$WORK/dns.log"
finish
