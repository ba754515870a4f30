mock_provider "aws" {
  source = "./tests/mocks"
}

run "defaults_are_private_and_recorded" {
  command = plan

  assert {
    condition     = alltrue([for s in concat(values(aws_subnet.public), values(aws_subnet.private)) : !s.map_public_ip_on_launch])
    error_message = "no subnet may hand out public addresses by itself"
  }
  assert {
    condition     = length(aws_default_security_group.this.ingress) == 0 && length(aws_default_security_group.this.egress) == 0
    error_message = "the default security group must be empty"
  }
  assert {
    condition     = aws_flow_log.this.traffic_type == "ALL" && aws_cloudwatch_log_group.flow.retention_in_days == 365
    error_message = "every flow is recorded and kept for a year"
  }
  assert {
    condition     = aws_kms_key.own[0].enable_key_rotation
    error_message = "the key must rotate"
  }
  assert {
    condition     = length(aws_nat_gateway.this) == 1 && length(aws_route.nat) == 2
    error_message = "one gateway serves both private subnets by default"
  }
  assert {
    condition     = aws_subnet.public["eu-west-1a"].tags["kubernetes.io/role/elb"] == "1" && aws_subnet.private["eu-west-1a"].tags["kubernetes.io/role/internal-elb"] == "1"
    error_message = "load balancers find their subnets by these tags"
  }
  assert {
    condition     = aws_vpc.this.tags["portal:env-id"] == var.env_id && aws_vpc.this.tags["portal:team"] == "shop"
    error_message = "every resource names its environment and team"
  }
}

run "subnets_do_not_overlap" {
  command = plan

  assert {
    condition = [for s in concat(values(aws_subnet.private), values(aws_subnet.public)) : s.cidr_block] == [
    "10.20.0.0/18", "10.20.64.0/18", "10.20.128.0/20", "10.20.144.0/20"]
    error_message = "the four subnets must be these disjoint ranges"
  }
}

run "subnets_of_the_smallest_network" {
  command = plan
  variables {
    cidr = "192.168.16.0/20"
  }
  assert {
    condition = [for s in concat(values(aws_subnet.private), values(aws_subnet.public)) : s.cidr_block] == [
    "192.168.16.0/22", "192.168.20.0/22", "192.168.24.0/24", "192.168.25.0/24"]
    error_message = "the four subnets must be these disjoint ranges"
  }
}

run "a_gateway_in_each_zone" {
  command = plan
  variables {
    environment = "prod"
    nat_mode    = "per_az"
  }
  assert {
    condition     = length(aws_nat_gateway.this) == 2 && length(aws_route.nat) == 2 && aws_kms_key.own[0].deletion_window_in_days == 30
    error_message = "production has a gateway in each zone and a month to think before a key is gone"
  }
}

run "no_gateway" {
  command = plan
  variables {
    nat_mode = "none"
  }
  assert {
    condition     = length(aws_nat_gateway.this) == 0 && length(aws_route.nat) == 0
    error_message = "without NAT there is no route to the internet from private subnets"
  }
}

run "the_environments_key_is_used" {
  command = plan
  variables {
    own_key     = false
    kms_key_arn = "arn:aws:kms:eu-west-1:111122223333:key/11111111-2222-3333-4444-555555555555"
  }
  assert {
    condition     = length(aws_kms_key.own) == 0 && aws_cloudwatch_log_group.flow.kms_key_id == var.kms_key_arn
    error_message = "a given key must be used and no other made"
  }
}

run "the_key_serves_only_our_account" {
  command = apply

  assert {
    condition     = jsondecode(aws_kms_key.own[0].policy).Statement[1].Condition.ArnLike["kms:EncryptionContext:aws:logs:arn"] == "arn:aws:logs:eu-west-1:111122223333:log-group:*"
    error_message = "CloudWatch Logs may use the key for this account's log groups only"
  }
  assert {
    condition     = alltrue([for s in jsondecode(aws_iam_role_policy.flow.policy).Statement : s.Resource != ["*"]])
    error_message = "the flow-log role writes to its own log group only"
  }
}

run "refuses_a_public_range" {
  command = plan
  variables {
    cidr = "8.8.0.0/16"
  }
  expect_failures = [var.cidr]
}

run "refuses_a_range_that_is_too_small" {
  command = plan
  variables {
    cidr = "10.20.0.0/24"
  }
  expect_failures = [var.cidr]
}

run "refuses_a_range_with_host_bits" {
  command = plan
  variables {
    cidr = "10.20.5.0/16"
  }
  expect_failures = [var.cidr]
}

run "refuses_what_is_no_range" {
  command = plan
  variables {
    cidr = "ten"
  }
  expect_failures = [var.cidr]
}

run "refuses_an_overlap_with_a_larger_network" {
  command = plan
  variables {
    cidr        = "10.20.16.0/20"
    taken_cidrs = ["10.9.0.0/16", "10.20.0.0/16"]
  }
  expect_failures = [var.cidr]
}

run "refuses_an_overlap_with_a_smaller_network" {
  command = plan
  variables {
    taken_cidrs = ["10.20.240.0/20"]
  }
  expect_failures = [var.cidr]
}

run "accepts_a_neighbour" {
  command = plan
  variables {
    taken_cidrs = ["10.21.0.0/16", "10.19.0.0/16"]
  }
}

run "refuses_a_taken_range_that_is_none" {
  command = plan
  variables {
    taken_cidrs = ["10.21"]
  }
  expect_failures = [var.taken_cidrs]
}

run "refuses_one_zone" {
  command = plan
  variables {
    azs = ["eu-west-1a"]
  }
  expect_failures = [var.azs]
}

run "refuses_no_zone" {
  command = plan
  variables {
    azs = []
  }
  expect_failures = [var.azs]
}

run "refuses_the_same_zone_twice" {
  command = plan
  variables {
    azs = ["eu-west-1a", "eu-west-1a"]
  }
  expect_failures = [var.azs]
}

run "refuses_an_unknown_nat_mode" {
  command = plan
  variables {
    nat_mode = "double"
  }
  expect_failures = [var.nat_mode]
}

run "refuses_one_gateway_in_production" {
  command = plan
  variables {
    environment = "prod"
  }
  expect_failures = [var.nat_mode]
}

run "refuses_a_retention_that_aws_does_not_know" {
  command = plan
  variables {
    flow_log_retention = 100
  }
  expect_failures = [var.flow_log_retention]
}
