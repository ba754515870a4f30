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

run "defaults_are_private_and_encrypted" {
  command = plan

  assert {
    condition     = !aws_db_instance.this.publicly_accessible
    error_message = "the database must not be public"
  }

  assert {
    condition     = aws_db_instance.this.storage_encrypted
    error_message = "the disk must be encrypted"
  }

  assert {
    condition     = aws_db_instance.this.iam_database_authentication_enabled
    error_message = "people sign in through IAM"
  }

  assert {
    condition     = aws_db_instance.this.performance_insights_enabled
    error_message = "Performance Insights is on"
  }

  assert {
    condition     = contains([for p in aws_db_parameter_group.this.parameter : "${p.name}=${p.value}"], "rds.force_ssl=1")
    error_message = "connections without TLS must be refused"
  }

  assert {
    condition     = length(aws_vpc_security_group_ingress_rule.client) == 0
    error_message = "nobody connects until named"
  }

  assert {
    condition     = aws_db_instance.this.backup_retention_period == 7
    error_message = "a week of backups"
  }

  assert {
    condition     = aws_kms_key.own[0].enable_key_rotation
    error_message = "the key rotates"
  }

  assert {
    condition     = aws_db_instance.this.tags["portal:team"] == "shop"
    error_message = "resources name their team"
  }

  assert {
    condition     = aws_db_instance.this.manage_master_user_password && aws_db_instance.this.password == null
    error_message = "RDS keeps the password"
  }
}

run "only_named_groups_connect" {
  command = plan

  variables {
    client_sg_ids = { nodes = "sg-1" }
  }

  assert {
    condition     = aws_vpc_security_group_ingress_rule.client["nodes"].from_port == 5432 && aws_vpc_security_group_ingress_rule.client["nodes"].to_port == 5432
    error_message = "only the port of PostgreSQL is open"
  }

  assert {
    condition     = aws_vpc_security_group_ingress_rule.client["nodes"].referenced_security_group_id == "sg-1" && aws_vpc_security_group_ingress_rule.client["nodes"].cidr_ipv4 == null
    error_message = "clients are named by group, not by address"
  }
}

run "production_is_protected" {
  command = plan

  variables {
    environment = "prod"
    multi_az    = true
  }

  assert {
    condition     = aws_db_instance.this.deletion_protection && !aws_db_instance.this.skip_final_snapshot && aws_db_instance.this.final_snapshot_identifier == "shop-prod-final"
    error_message = "production must be protected and leave a snapshot"
  }

  assert {
    condition     = aws_db_instance.this.multi_az && !aws_db_instance.this.apply_immediately && !aws_db_instance.this.delete_automated_backups
    error_message = "production waits for its window and keeps its backups"
  }
}

run "development_can_be_removed" {
  command = plan

  assert {
    condition     = !aws_db_instance.this.deletion_protection && aws_db_instance.this.skip_final_snapshot
    error_message = "an environment with an end must be removable"
  }
}

run "refuses_an_unknown_version" {
  command = plan

  variables {
    engine_version = "12"
  }
  expect_failures = [var.engine_version]
}

run "refuses_a_class_off_the_list" {
  command = plan

  variables {
    instance_class = "db.x2iedn.32xlarge"
  }
  expect_failures = [var.instance_class]
}

run "refuses_a_small_disk" {
  command = plan

  variables {
    storage_gb = 5
  }
  expect_failures = [var.storage_gb]
}

run "refuses_a_huge_disk" {
  command = plan

  variables {
    storage_gb = 5000
  }
  expect_failures = [var.storage_gb]
}

run "refuses_production_in_one_zone" {
  command = plan

  variables {
    environment = "prod"
  }
  expect_failures = [var.multi_az]
}

run "refuses_an_unknown_password_mode" {
  command = plan

  variables {
    password_mode = "plain"
  }
  expect_failures = [var.password_mode]
}

run "refuses_a_missing_secret" {
  command = plan

  variables {
    password_mode = "ephemeral_secret"
  }
  expect_failures = [var.secret_arn]
}

run "refuses_password_version_zero" {
  command = plan

  variables {
    password_version = 0
  }
  expect_failures = [var.password_version]
}

run "refuses_a_database_of_postgresqls_own" {
  command = plan

  variables {
    database_name = "template1"
  }
  expect_failures = [var.database_name]
}

run "refuses_a_database_with_capitals" {
  command = plan

  variables {
    database_name = "Shop"
  }
  expect_failures = [var.database_name]
}

run "refuses_one_subnet" {
  command = plan

  variables {
    subnet_ids = ["subnet-1"]
  }
  expect_failures = [var.subnet_ids]
}

run "refuses_no_backups" {
  command = plan

  variables {
    backup_days = 0
  }
  expect_failures = [var.backup_days]
}

run "refuses_few_backups_in_production" {
  command = plan

  variables {
    environment = "prod"
    multi_az    = true
    backup_days = 3
  }
  expect_failures = [var.backup_days]
}
