# Copied from infra/modules/shared/tests by infra/lab/sync.py; what the module needs besides is in terraform.tfvars.

# A mocked provider knows no ephemeral resources (Terraform 1.11), so this module is planned by the real provider.
# It reaches nothing: what it would ask AWS for is given here, and these runs plan only.
provider "aws" {
  region                      = "eu-west-1"
  access_key                  = "none"
  secret_key                  = "none"
  skip_credentials_validation = true
  skip_requesting_account_id  = true
  skip_metadata_api_check     = true
}

override_data {
  target = data.aws_caller_identity.current
  values = { account_id = "111122223333" }
}

run "refuses_a_missing_key" {
  command = plan
  variables {
    own_key = false
  }
  expect_failures = [var.kms_key_arn]
}

run "refuses_a_key_by_alias" {
  command = plan
  variables {
    own_key     = false
    kms_key_arn = "alias/shop"
  }
  expect_failures = [var.kms_key_arn]
}
