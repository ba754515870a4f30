mock_provider "aws" {
  source = "./tests/mocks"
}

run "one_upload_starts_one_run" {
  command = plan

  assert {
    condition     = aws_codepipeline.this["main"].stage[0].action[0].configuration.PollForSourceChanges == "false"
    error_message = "polling must be off"
  }

  assert {
    condition     = length(aws_cloudwatch_event_rule.upload) == 1
    error_message = "one rule per branch"
  }

  assert {
    condition     = jsondecode(aws_cloudwatch_event_rule.upload["main"].event_pattern).detail.object.key == ["src/shop/checkout/main.zip"]
    error_message = "only this archive"
  }

  assert {
    condition     = strcontains(aws_cloudwatch_event_target.upload["main"].input_transformer[0].input_template, "S3_OBJECT_VERSION_ID")
    error_message = "the run is of the uploaded version"
  }

  assert {
    condition     = aws_codepipeline.this["main"].pipeline_type == "V2" && aws_codepipeline.this["main"].execution_mode == "QUEUED"
    error_message = "runs wait in order"
  }
}

run "production_waits_for_a_person" {
  command = plan

  assert {
    condition     = [for s in aws_codepipeline.this["main"].stage : s.name] == ["source", "build", "deploy-dev", "deploy-staging", "approve-prod", "deploy-prod"]
    error_message = "an approval stands before production"
  }

  assert {
    condition     = aws_codepipeline.this["main"].stage[4].action[0].provider == "Manual"
    error_message = "by hand"
  }

  assert {
    condition     = length([for v in jsondecode(aws_codepipeline.this["main"].stage[5].action[0].configuration.EnvironmentVariables) : v if v.name == "IMAGE_DIGEST" && v.value == "#{Build.IMAGE_DIGEST}"]) == 1
    error_message = "the digest is handed on"
  }
}

run "only_building_is_privileged" {
  command = plan

  assert {
    condition     = aws_codebuild_project.build.environment[0].privileged_mode && alltrue([for p in aws_codebuild_project.deploy : !p.environment[0].privileged_mode])
    error_message = "deploying needs no privileged container"
  }

  assert {
    condition     = aws_cloudwatch_log_group.build.retention_in_days == 365
    error_message = "logs are kept for a year"
  }

  assert {
    condition     = aws_kms_key.own[0].enable_key_rotation
    error_message = "the key rotates"
  }

  assert {
    condition     = aws_codebuild_project.build.tags["portal:team"] == "shop"
    error_message = "resources name their team"
  }
}

run "each_role_does_its_step_only" {
  command = apply

  assert {
    condition     = jsondecode(aws_iam_role.upload.assume_role_policy).Statement[0].Condition.StringEquals["gitlab.example.org:sub"] == ["project_path:shop/checkout:ref_type:branch:ref:main"]
    error_message = "only this branch of this project uploads"
  }

  assert {
    condition     = jsondecode(aws_iam_role.upload.assume_role_policy).Statement[0].Condition.StringEquals["gitlab.example.org:aud"] == "https://gitlab.example.org"
    error_message = "and only for AWS"
  }

  assert {
    condition     = jsondecode(aws_iam_role_policy.upload.policy).Statement[0].Resource == ["arn:aws:s3:::shop-src/src/shop/checkout/main.zip"]
    error_message = "one object"
  }

  assert {
    condition     = !strcontains(aws_iam_role_policy.build.policy, "eks:") && !strcontains(aws_iam_role_policy.build.policy, "events:")
    error_message = "the build cannot deploy"
  }

  assert {
    condition     = alltrue([for p in aws_iam_role_policy.deploy : !strcontains(p.policy, "ecr:PutImage")])
    error_message = "the deployment cannot push"
  }

  assert {
    condition     = !strcontains(aws_iam_role_policy.deploy["dev"].policy, "c-prod")
    error_message = "development cannot enter production"
  }

  assert {
    condition     = length([for p in concat([aws_iam_role_policy.upload, aws_iam_role_policy.pipeline, aws_iam_role_policy.start, aws_iam_role_policy.build], values(aws_iam_role_policy.deploy)) : p if strcontains(p.policy, "\"*:*\"") || strcontains(p.policy, "secretsmanager:Get")]) == 0
    error_message = "nobody may everything, nobody reads secrets"
  }
}

run "refuses_production_without_approval" {
  command = plan

  variables {
    approval_envs = []
  }
  expect_failures = [var.approval_envs]
}

run "refuses_a_pattern_of_projects" {
  command = plan

  variables {
    repo_path = "shop/*"
  }
  expect_failures = [var.repo_path]
}

run "refuses_a_project_without_group" {
  command = plan

  variables {
    repo_path = "checkout"
  }
  expect_failures = [var.repo_path]
}

run "refuses_a_pattern_of_branches" {
  command = plan

  variables {
    branch_env = { "release-*" = ["dev"] }
  }
  expect_failures = [var.branch_env]
}

run "refuses_a_branch_without_environment" {
  command = plan

  variables {
    branch_env = { main = [] }
  }
  expect_failures = [var.branch_env]
}

run "refuses_an_environment_without_target" {
  command = plan

  variables {
    branch_env = { main = ["qa"] }
  }
  expect_failures = [var.branch_env]
}

run "refuses_a_range_of_chart_versions" {
  command = plan

  variables {
    chart_version = ">=1.0"
  }
  expect_failures = [var.chart_version]
}

run "refuses_a_chart_by_path" {
  command = plan

  variables {
    chart_uri = "./charts/service"
  }
  expect_failures = [var.chart_uri]
}

run "refuses_plain_http" {
  command = plan

  variables {
    gitlab_url = "http://gitlab.example.org"
  }
  expect_failures = [var.gitlab_url]
}

run "refuses_a_bad_service" {
  command = plan

  variables {
    service = "Checkout"
  }
  expect_failures = [var.service]
}

run "refuses_no_subnet" {
  command = plan

  variables {
    subnet_ids = []
  }
  expect_failures = [var.subnet_ids]
}

run "refuses_a_short_retention" {
  command = plan

  variables {
    log_retention = 7
  }
  expect_failures = [var.log_retention]
}
