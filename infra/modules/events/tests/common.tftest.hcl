# Copied from infra/modules/shared/tests by infra/lab/sync.py; what the module needs besides is in terraform.tfvars.

mock_provider "aws" {
  source = "./tests/mocks"
}

run "refuses_a_bad_name" {
  command = plan
  variables {
    name = "Shop_1"
  }
  expect_failures = [var.name]
}

run "refuses_an_unknown_environment" {
  command = plan
  variables {
    environment = "live"
  }
  expect_failures = [var.environment]
}

run "refuses_a_bad_team" {
  command = plan
  variables {
    team = "Team X"
  }
  expect_failures = [var.team]
}

run "refuses_an_id_that_is_no_uuid" {
  command = plan
  variables {
    env_id = "17"
  }
  expect_failures = [var.env_id]
}

run "refuses_an_end_that_is_no_time" {
  command = plan
  variables {
    expires_at = "tomorrow"
  }
  expect_failures = [var.expires_at]
}

run "refuses_tags_of_the_portal" {
  command = plan
  variables {
    tags = { "portal:team" = "other" }
  }
  expect_failures = [var.tags]
}
