#!/bin/bash
# The modules' examples, applied and destroyed by the real AWS provider against moto on loopback.
# Usage: moto.sh [MODULE... | complete | full-environment]. EKS is asked of MiniStack, since moto lacks access entries,
# add-ons and pod identities; cicd on moto with two corrections (lab/moto_corrected.py).
TIER=moto
# shellcheck source=lib.sh
source "$(dirname "$0")/lib.sh"

need_aws "apply and destroy" || finish
need "apply and destroy" moto || finish
AWSPY=$PART_DIR/venv/bin/python
cp -r "$INFRA/modules" "$INFRA/examples" "$WORK/" 2>/dev/null
CANARY="canary-$(head -c12 /dev/urandom | od -An -tx1 | tr -d ' \n')"

secret() { "$AWSPY" - "$1" "$CANARY" <<'PY'
import boto3, json, os, sys
c = boto3.client("secretsmanager", endpoint_url=os.environ["AWS_ENDPOINT_URL"])
print(c.create_secret(Name=sys.argv[1], SecretString=json.dumps({"username": "master", "password": sys.argv[2]}))["ARN"])
PY
}

# Everything written by the run is searched for the password: state, plan (raw and as JSON), logs.
no_canary() {
  local d=$1
  ( cd "$d" && { [ ! -f plan.bin ] || terraform show -json plan.bin >plan.json 2>/dev/null; [ ! -f plan.bin ] || unzip -qo plan.bin -d plan.unzipped; } ; ! grep -rlF -- "$CANARY" --exclude-dir=.terraform . )
}

trial() {
  local name=$1 d=$2; shift 2
  if ! "${STAND_IN:-moto_up}"; then fail "$name" "the stand-in for AWS did not start"; return; fi
  write_override "$d"
  # MiniStack needs a bundle of certificates, which the provider takes up only once per process, and static_site configures it
  # for two regions, of which one process keeps the one that came last; the others share one process over their commands.
  case $name in complete|eks|full-environment|static_site) ;; *) attach_aws ;; esac
  local vars=() secret=''
  [ -z "${WITH_CLUSTER:-}" ] || vars+=(-var with_cluster=true)
  if grep -q 'variable "secret_arn"' "$d/main.tf"; then secret=yes; vars+=(-var "secret_arn=$(secret platform/shop/dev/database)"); fi
  ( cd "$d" && terraform init -backend=false -plugin-dir="$MIRROR" >init.log 2>&1 ) || { fail "$name: init" "$(cat "$d/init.log")"; moto_down; return; }
  if ! ( cd "$d" && timeout 1200 terraform plan -no-color -out plan.bin ${vars[@]+"${vars[@]}"} >plan.log 2>&1 ); then fail "$name: plan" "$(cat "$d/plan.log")"; moto_down; return; fi
  if ( cd "$d" && timeout 1200 terraform apply -no-color plan.bin >apply.log 2>&1 ); then pass "$name: applied ($(grep -oE '[0-9]+ added' "$d/apply.log"))"
  else fail "$name: apply" "$(grep -A8 Error "$d/apply.log")"; fi
  if [ -n "$secret" ]; then
    check "$name: the password is in no state, plan or log" no_canary "$d"
  fi
  if [ -n "${REPLAN:-}" ]; then
    ( cd "$d" && timeout 300 terraform plan -no-color -detailed-exitcode >again.log 2>&1 ); [ $? -eq 0 ] && pass "$name: planning again changes nothing" || fail "$name: planning again" "$(grep -E '^ +[~+-]' "$d/again.log" | head)"
  fi
  if ( cd "$d" && timeout 1200 terraform destroy -no-color -auto-approve ${vars[@]+"${vars[@]}"} >destroy.log 2>&1 ); then pass "$name: destroyed ($(grep -oE '[0-9]+ destroyed' "$d/destroy.log"))"
  elif [ -n "${KEEPS:-}" ] && grep -q 'prevent_destroy' "$d/destroy.log"; then pass "$name: refuses to be destroyed, as it must"
  else fail "$name: destroy" "$(grep -A8 Error "$d/destroy.log")"; fi
  moto_down
}

# moto accepts this call and forgets it, and the provider would wait for it for ever; the unit tests plan it.
cat >"$WORK/modules/events/moto_override.tf" <<"TF"
resource "aws_sqs_queue_redrive_allow_policy" "failed" {
  count = 0
}
TF

# The template of the same name through a root like the portal's: the provider, and the template as its module.
whole_environment() {
  mkdir "$WORK/full-environment"; cp -r "$INFRA/catalog/full-environment" "$WORK/full-environment/template"
  cat >"$WORK/full-environment/main.tf" <<'TF'
provider "aws" {
  region = "eu-west-1"
}

module "template" {
  source             = "./template"
  name               = "shop"
  team               = "shop"
  env_id             = "0f9d2c1e-5b7a-4c39-9a57-1d5a4c2e7b10"
  cidr               = "10.20.0.0/16"
  administrator_role = "arn:aws:iam::123456789012:role/platform-ops"
  buckets            = ["acme-shop-uploads"]
}
TF
}

one() {
  case $1 in
    # Network, cluster, database and what goes with them, in one command.
    complete) if need "complete" ministack; then STAND_IN=both_up WITH_CLUSTER=1 trial complete "$WORK/examples/complete"; fi ;;
    full-environment) if need "full-environment" ministack; then whole_environment; STAND_IN=both_up trial full-environment "$WORK/full-environment"; fi ;;
    vpc|ecr|access) REPLAN=1 trial "$1" "$WORK/modules/$1/examples/minimal" ;;
    eks) # moto lacks access entries, add-ons and pod identities
      if need "eks" ministack; then STAND_IN=ministack_up trial eks "$WORK/modules/eks/examples/minimal"; fi ;;
    cicd) MOTO=corrected trial cicd "$WORK/modules/cicd/examples/minimal" ;;
    bootstrap) KEEPS=1 trial "$1" "$WORK/modules/$1/examples/minimal" ;;
    *) trial "$1" "$WORK/modules/$1/examples/minimal" ;;
  esac
}
# The long ones first. Most of their time is the provider's waiting, so that three at a time take little more than one.
names=("$@"); [ $# -gt 0 ] || names=(complete full-environment cicd rds access static_site vpc s3 ecr route53 events bootstrap bastion eks)
par 3 one "${names[@]}"
finish
