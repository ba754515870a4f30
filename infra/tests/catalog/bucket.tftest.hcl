mock_provider "aws" {
  source = "./modules/mocks"
}

variables {
  name        = "shop"
  team        = "shop"
  bucket_name = "acme-shop-uploads"
}

run "plans" {
  command = plan
}

run "refuses_capitals" {
  command = plan
  variables {
    bucket_name = "Acme"
  }
  expect_failures = [var.bucket_name]
}

run "refuses_no_days" {
  command = plan
  variables {
    keep_days = 0
  }
  expect_failures = [var.keep_days]
}

run "refuses_an_unknown_environment" {
  command = plan
  variables {
    environment = "live"
  }
  expect_failures = [var.environment]
}

run "refuses_a_bad_name" {
  command = plan
  variables {
    name = "X"
  }
  expect_failures = [var.name]
}

run "refuses_a_bad_team" {
  command = plan
  variables {
    team = "X"
  }
  expect_failures = [var.team]
}
