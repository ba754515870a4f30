#!/bin/bash
# State in S3 as the bootstrap module sets it up: kept in the bucket with versions, locked by an object beside it, so that
# of two applies at once the second is refused and says by whom. S3 is moto's.
TIER=state
# shellcheck source=lib.sh
source "$(dirname "$0")/lib.sh"
command -v terraform >/dev/null || { skip "state in S3" "terraform is not on this machine"; finish; }
need "state in S3" moto || finish
PY=$PART_DIR/venv/bin/python
moto_up || { fail "moto did not start"; finish; }
s3() { "$PY" - "$@" <<'PY'
import boto3, os, sys
c = boto3.client("s3", endpoint_url=os.environ["AWS_ENDPOINT_URL"])
what = sys.argv[1]
if what == "make":
    c.create_bucket(Bucket="state", CreateBucketConfiguration={"LocationConstraint": "eu-west-1"})
    c.put_bucket_versioning(Bucket="state", VersioningConfiguration={"Status": "Enabled"})
elif what == "keys":
    print(*sorted(o["Key"] for o in c.list_objects_v2(Bucket="state").get("Contents", [])))
elif what == "versions":
    print(sum(v["Key"] == "env/1/network.tfstate" for v in c.list_object_versions(Bucket="state").get("Versions", [])))
PY
}
s3 make
R=$WORK/root; mkdir "$R"
cat >"$R/main.tf" <<'TF'
terraform {
  backend "s3" {
    bucket                      = "state"
    key                         = "env/1/network.tfstate"
    region                      = "eu-west-1"
    use_lockfile                = true
    use_path_style              = true
    skip_credentials_validation = true
    skip_metadata_api_check     = true
    skip_requesting_account_id  = true
  }
}
variable "n" {
  type = string
}
resource "terraform_data" "slow" {
  triggers_replace = var.n
  provisioner "local-exec" {
    command = "for i in $(seq 1200); do [ -f released ] && exit 0; sleep .1; done; exit 1"
  }
}
TF
tf() { ( cd "$R" && terraform "$@" -no-color ); }
touch "$R/released" # an apply lasts until this file is there
check "the backend is taken" tf init
check "an apply keeps its state in the bucket" tf apply -auto-approve -var n=1
check "and leaves no lock behind" is "env/1/network.tfstate" s3 keys
rm "$R/released"
tf apply -auto-approve -var n=2 >"$WORK/first.log" 2>&1 &
first=$!
locked() { s3 keys | grep -q tflock; }
check "a running apply holds a lock beside the state" eventually 60 locked
refused "a second one is refused meanwhile, and told by whom" "state lock(.|\n)*Who:" bash -c "cd '$R' && terraform plan -no-color -var n=3 2>&1 | tr '\n' ' ' | grep -E 'state lock.*Who:' && exit 1"
touch "$R/released"
if wait "$first"; then pass "the first ends well"; else fail "the first" "$(cat "$WORK/first.log")"; fi
check "the lock is gone" is "env/1/network.tfstate" s3 keys
check "older states can be had back (versions)" bash -c "[ \"\$1\" -ge 2 ]" _ "$(s3 versions)"
finish
