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
  target = module.database.data.aws_caller_identity.current
  values = { account_id = "111122223333" }
}


variables {
  name                  = "shop"
  team                  = "shop"
  vpc_id                = "vpc-1"
  subnet_ids            = ["subnet-1", "subnet-2"]
  client_security_group = "sg-1"
}

run "plans" {
  command = plan

  assert {
    condition     = one([for r in [module.database.port] : r]) == 5432
    error_message = "the port of PostgreSQL"
  }
}

run "refuses_production_in_one_zone" {
  command = plan
  variables {
    environment = "prod"
  }
  expect_failures = [var.multi_az]
}

run "refuses_a_class_off_the_list" {
  command = plan
  variables {
    instance_class = "db.x2iedn.32xlarge"
  }
  expect_failures = [var.instance_class]
}

run "refuses_an_unknown_version" {
  command = plan
  variables {
    engine_version = "9.6"
  }
  expect_failures = [var.engine_version]
}

run "refuses_a_small_disk" {
  command = plan
  variables {
    storage_gb = 1
  }
  expect_failures = [var.storage_gb]
}

run "refuses_one_subnet" {
  command = plan
  variables {
    subnet_ids = ["subnet-1"]
  }
  expect_failures = [var.subnet_ids]
}

run "refuses_a_group_by_name" {
  command = plan
  variables {
    client_security_group = "nodes"
  }
  expect_failures = [var.client_security_group]
}

run "refuses_a_network_by_name" {
  command = plan
  variables {
    vpc_id = "main"
  }
  expect_failures = [var.vpc_id]
}
