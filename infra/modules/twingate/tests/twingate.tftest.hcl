mock_provider "aws" {
  source = "./tests/mocks"
}

# The provider is a stand-in with the schema of lab/twingate-schema.json.
mock_provider "twingate" {}

run "connectors_dial_out_only" {
  command = plan

  assert {
    condition     = length(aws_instance.connector) == 2 && length(distinct([for i in aws_instance.connector : i.subnet_id])) == 2
    error_message = "two connectors, in different subnets"
  }

  assert {
    condition     = alltrue([for i in aws_instance.connector : !i.associate_public_ip_address && i.metadata_options[0].http_tokens == "required" && i.root_block_device[0].encrypted])
    error_message = "no public address, guarded credentials, encrypted disks"
  }

  assert {
    condition     = alltrue([for s in aws_secretsmanager_secret.tokens : s.kms_key_id == var.kms_key_arn])
    error_message = "tokens are under the given key"
  }

  assert {
    condition     = aws_secretsmanager_secret.tokens[0].tags["portal:team"] == "shop"
    error_message = "resources name their team"
  }
}

run "only_443_for_named_groups" {
  command = plan

  assert {
    condition     = twingate_resource.this["api"].protocols.tcp.ports == toset(["443"]) && twingate_resource.this["api"].protocols.udp.policy == "DENY_ALL" && !twingate_resource.this["api"].protocols.allow_icmp
    error_message = "TLS and nothing else"
  }

  assert {
    condition     = toset([for g in twingate_resource.this["api"].access_group : g.group_id]) == toset(["g1", "g2"])
    error_message = "only the named groups"
  }
}

run "on_request_ends_after_an_hour" {
  command = plan

  variables {
    environment = "prod"
    resources   = { api = { address = "api.example.org", group_ids = ["g1"], on_request = true } }
  }

  assert {
    condition     = twingate_resource.this["api"].access_policy[0].mode == "ACCESS_REQUEST" && twingate_resource.this["api"].access_policy[0].approval_mode == "MANUAL" && twingate_resource.this["api"].access_policy[0].duration == "1h"
    error_message = "each use is asked for, and ends"
  }
}

run "tokens_are_not_in_the_instances_data" {
  command = apply

  assert {
    condition     = alltrue([for i, c in aws_instance.connector : !strcontains(c.user_data, nonsensitive(twingate_connector_tokens.this[i].access_token))])
    error_message = "tokens are fetched at start"
  }

  assert {
    condition     = jsondecode(aws_iam_role_policy.connector.policy).Statement[0].Action == "secretsmanager:GetSecretValue" && length(jsondecode(aws_iam_role_policy.connector.policy).Statement[0].Resource) == 2
    error_message = "a connector reads its own tokens only"
  }
}

run "refuses_no_resource" {
  command = plan

  variables {
    resources = {}
  }
  expect_failures = [var.resources]
}

run "refuses_a_resource_for_nobody" {
  command = plan

  variables {
    resources = { api = { address = "api.dev.example.org", group_ids = [] } }
  }
  expect_failures = [var.resources]
}

run "refuses_everything" {
  command = plan

  variables {
    resources = { all = { address = "0.0.0.0/0", group_ids = ["g1"] } }
  }
  expect_failures = [var.resources]
}

run "refuses_production_without_request" {
  command = plan

  variables {
    environment = "prod"
  }
  expect_failures = [var.resources]
}

run "refuses_one_connector" {
  command = plan

  variables {
    connector_count = 1
  }
  expect_failures = [var.connector_count]
}

run "refuses_a_network_with_its_domain" {
  command = plan

  variables {
    network_name = "acme.twingate.com"
  }
  expect_failures = [var.network_name]
}

run "refuses_no_subnet" {
  command = plan

  variables {
    subnet_ids = []
  }
  expect_failures = [var.subnet_ids]
}

run "refuses_an_image_by_name" {
  command = plan

  variables {
    ami_id = "twingate"
  }
  expect_failures = [var.ami_id]
}
