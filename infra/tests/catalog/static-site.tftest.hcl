mock_provider "aws" {
  source = "./modules/mocks"
}

variables {
  name            = "shop"
  team            = "shop"
  host            = "docs.example.org"
  zone_id         = "Z0123456789"
  certificate_arn = "arn:aws:acm:us-east-1:111122223333:certificate/1"
}

run "plans" {
  command = plan

  assert {
    condition     = output.url == "https://docs.example.org"
    error_message = "the address is the host"
  }
}

run "refuses_a_single_word" {
  command = plan
  variables {
    host = "docs"
  }
  expect_failures = [var.host]
}

run "refuses_a_zone_by_name" {
  command = plan
  variables {
    zone_id = "example.org"
  }
  expect_failures = [var.zone_id]
}

run "refuses_a_certificate_elsewhere" {
  command = plan
  variables {
    certificate_arn = "arn:aws:acm:eu-west-1:111122223333:certificate/1"
  }
  expect_failures = [var.certificate_arn]
}
