mock_provider "aws" {
  source = "./tests/mocks"
}

run "state_is_kept_safe" {
  command = plan

  assert {
    condition     = aws_s3_bucket.state.bucket == "acme-terraform-state-111122223333"
    error_message = "the bucket is named by organisation and account"
  }

  assert {
    condition     = one(aws_s3_bucket_versioning.state.versioning_configuration).status == "Enabled"
    error_message = "every state is kept"
  }

  assert {
    condition     = aws_s3_bucket_public_access_block.state.block_public_policy && aws_s3_bucket_public_access_block.state.restrict_public_buckets && aws_s3_bucket_public_access_block.state.block_public_acls && aws_s3_bucket_public_access_block.state.ignore_public_acls
    error_message = "the state is never public"
  }

  assert {
    condition     = one(one(aws_s3_bucket_server_side_encryption_configuration.state.rule).apply_server_side_encryption_by_default).sse_algorithm == "aws:kms"
    error_message = "KMS encrypts"
  }

  assert {
    condition     = aws_kms_key.own[0].enable_key_rotation
    error_message = "the key rotates"
  }

  assert {
    condition     = aws_s3_bucket.state.tags["portal:team"] == "shop"
    error_message = "resources name their team"
  }
}

run "gitlab_is_trusted_for_itself_only" {
  command = plan

  assert {
    condition     = aws_iam_openid_connect_provider.gitlab.client_id_list == toset(["https://gitlab.example.org"])
    error_message = "the audience is GitLab itself"
  }
}

run "the_boundary_cannot_be_escaped" {
  command = plan

  assert {
    condition     = !anytrue([for a in jsondecode(aws_iam_policy.boundary.policy).Statement[0].Action : startswith(a, "iam:") || a == "*"])
    error_message = "no IAM in the boundary"
  }

  assert {
    condition     = jsondecode(aws_iam_policy.boundary.policy).Statement[2].Effect == "Deny"
    error_message = "state is not for made roles"
  }

  assert {
    condition     = endswith(jsondecode(aws_iam_policy.boundary.policy).Statement[1].Resource, ":role/platform/*")
    error_message = "only roles of the platform are passed on"
  }
}

run "refuses_capitals_in_the_organisation" {
  command = plan

  variables {
    org = "Acme"
  }
  expect_failures = [var.org]
}

run "refuses_plain_http" {
  command = plan

  variables {
    gitlab_url = "http://gitlab.example.org"
  }
  expect_failures = [var.gitlab_url]
}

run "refuses_a_slash_at_the_end" {
  command = plan

  variables {
    gitlab_url = "https://gitlab.example.org/"
  }
  expect_failures = [var.gitlab_url]
}

run "refuses_a_boundary_of_everything" {
  command = plan

  variables {
    boundary_actions = ["*"]
  }
  expect_failures = [var.boundary_actions]
}

run "refuses_a_boundary_with_iam" {
  command = plan

  variables {
    boundary_actions = ["s3:*", "iam:CreateRole"]
  }
  expect_failures = [var.boundary_actions]
}

run "refuses_an_empty_boundary" {
  command = plan

  variables {
    boundary_actions = []
  }
  expect_failures = [var.boundary_actions]
}
