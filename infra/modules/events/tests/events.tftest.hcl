mock_provider "aws" {
  source = "./tests/mocks"
}

run "defaults_are_encrypted_and_kept" {
  command = plan

  assert {
    condition     = aws_sqs_queue.this.message_retention_seconds == 14 * 86400
    error_message = "events wait for two weeks"
  }

  assert {
    condition     = length(aws_cloudwatch_event_rule.aws) == 4
    error_message = "uploads, pipelines, builds and pushes are told"
  }

  assert {
    condition     = length(aws_cloudwatch_event_bus_policy.deploy) == 0
    error_message = "nobody reports deployments until named"
  }

  assert {
    condition     = aws_kms_key.own[0].enable_key_rotation
    error_message = "the key rotates"
  }

  assert {
    condition     = aws_sqs_queue.this.tags["portal:team"] == "shop"
    error_message = "resources name their team"
  }
}

run "only_our_rules_send" {
  command = apply

  assert {
    condition     = aws_sqs_queue.this.kms_master_key_id == aws_kms_key.own[0].arn && aws_sqs_queue.failed.kms_master_key_id == aws_kms_key.own[0].arn
    error_message = "both queues are encrypted"
  }

  assert {
    condition     = jsondecode(aws_sqs_queue.this.redrive_policy).maxReceiveCount == 5
    error_message = "after five failures a message is put aside"
  }

  assert {
    condition     = alltrue([for p in aws_sqs_queue_policy.events : length(jsondecode(p.policy).Statement[0].Condition.ArnEquals["aws:SourceArn"]) == 5])
    error_message = "senders are limited to the five rules"
  }

  assert {
    condition     = alltrue([for p in aws_sqs_queue_policy.events : jsondecode(p.policy).Statement[0].Condition.StringEquals["aws:SourceAccount"] == "111122223333"])
    error_message = "and to this account"
  }

  assert {
    condition     = alltrue([for p in aws_sqs_queue_policy.events : jsondecode(p.policy).Statement[1].Effect == "Deny"])
    error_message = "plain HTTP is denied"
  }
}

run "only_deploy_roles_report" {
  command = apply

  variables {
    deploy_role_arns = ["arn:aws:iam::111122223333:role/platform/deploy-shop"]
  }

  assert {
    condition     = tolist(jsondecode(aws_cloudwatch_event_bus_policy.deploy[0].policy).Statement[0].Principal.AWS) == var.deploy_role_arns
    error_message = "only the named roles"
  }

  assert {
    condition     = jsondecode(aws_cloudwatch_event_bus_policy.deploy[0].policy).Statement[0].Condition.StringEquals["events:source"] == "platform.deploy"
    error_message = "only as platform.deploy"
  }
}

run "the_environments_key_is_used" {
  command = plan

  variables {
    own_key     = false
    kms_key_arn = "arn:aws:kms:eu-west-1:111122223333:key/aaaaaaaa-2222-3333-4444-555555555555"
  }

  assert {
    condition     = aws_sqs_queue.this.kms_master_key_id == var.kms_key_arn
    error_message = "the given key must be used"
  }
}

run "refuses_a_queue_name_with_a_space" {
  command = plan

  variables {
    queue_name = "my events"
  }
  expect_failures = [var.queue_name]
}

run "refuses_a_month" {
  command = plan

  variables {
    retention_days = 30
  }
  expect_failures = [var.retention_days]
}

run "refuses_everybody_as_reporter" {
  command = plan

  variables {
    deploy_role_arns = ["*"]
  }
  expect_failures = [var.deploy_role_arns]
}

run "refuses_a_pattern_as_reporter" {
  command = plan

  variables {
    deploy_role_arns = ["arn:aws:iam::111122223333:role/*"]
  }
  expect_failures = [var.deploy_role_arns]
}
