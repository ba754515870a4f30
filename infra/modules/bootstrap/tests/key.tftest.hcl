# Copied from infra/modules/shared/tests by infra/lab/sync.py; what the module needs besides is in terraform.tfvars.

mock_provider "aws" {
  source = "./tests/mocks"
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
