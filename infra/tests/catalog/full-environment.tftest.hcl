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

override_data {
  target = module.database.data.aws_caller_identity.current
  values = { account_id = "111122223333" }
}

override_data {
  target = module.network.data.aws_caller_identity.current
  values = { account_id = "111122223333" }
}

override_data {
  target = module.cluster.data.aws_caller_identity.current
  values = { account_id = "111122223333" }
}

override_data {
  target = module.buckets[0].data.aws_caller_identity.current
  values = { account_id = "111122223333" }
}


variables {
  name               = "shop"
  team               = "shop"
  cidr               = "10.20.0.0/16"
  administrator_role = "arn:aws:iam::111122223333:role/ops"
}

run "plans" {
  command = plan
  variables {
    buckets = ["acme-shop-files"]
  }

  assert {
    condition     = output.cluster_name == "shop-dev" && aws_kms_key.environment.enable_key_rotation
    error_message = "one rotating key, a cluster by the name"
  }
}

run "refuses_a_public_range" {
  command = plan
  variables {
    cidr = "8.8.0.0/16"
  }
  expect_failures = [var.cidr]
}

run "refuses_a_small_range" {
  command = plan
  variables {
    cidr = "10.0.0.0/24"
  }
  expect_failures = [var.cidr]
}

run "refuses_one_zone" {
  command = plan
  variables {
    azs = ["eu-west-1a"]
  }
  expect_failures = [var.azs]
}

run "refuses_one_gateway_and_one_database_in_production" {
  command = plan
  variables {
    environment = "prod"
  }
  expect_failures = [var.nat_mode, var.multi_az]
}

run "refuses_an_unknown_kubernetes" {
  command = plan
  variables {
    kubernetes_version = "1.20"
  }
  expect_failures = [var.kubernetes_version]
}

run "refuses_min_above_max" {
  command = plan
  variables {
    nodes = { min = 9, desired = 9, max = 3 }
  }
  expect_failures = [var.nodes]
}

run "refuses_an_administrator_by_name" {
  command = plan
  variables {
    administrator_role = "ops"
  }
  expect_failures = [var.administrator_role]
}

run "refuses_a_bad_bucket" {
  command = plan
  variables {
    buckets = ["Shop_Files"]
  }
  expect_failures = [var.buckets]
}
