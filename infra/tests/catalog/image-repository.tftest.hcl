mock_provider "aws" {
  source = "./modules/mocks"
}

variables {
  name    = "shop"
  team    = "shop"
  service = "checkout"
}

run "plans" {
  command = plan
}

run "refuses_to_keep_too_few" {
  command = plan
  variables {
    keep_images = 3
  }
  expect_failures = [var.keep_images]
}

run "refuses_a_bad_service" {
  command = plan
  variables {
    service = "Check out"
  }
  expect_failures = [var.service]
}
