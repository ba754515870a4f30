mock_provider "aws" {
  source = "./tests/mocks"
}

run "defaults_are_private_and_encrypted" {
  command = plan

  assert {
    condition     = alltrue([for b in aws_s3_bucket_public_access_block.this : b.block_public_acls && b.block_public_policy && b.ignore_public_acls && b.restrict_public_buckets])
    error_message = "all four public blocks must be on"
  }

  assert {
    condition     = one(aws_s3_bucket_ownership_controls.this["shop-dev-files"].rule).object_ownership == "BucketOwnerEnforced"
    error_message = "access lists must be off"
  }

  assert {
    condition     = one(aws_s3_bucket_versioning.this["shop-dev-files"].versioning_configuration).status == "Enabled"
    error_message = "versions are kept"
  }

  assert {
    condition     = one(one(aws_s3_bucket_server_side_encryption_configuration.this["shop-dev-files"].rule).apply_server_side_encryption_by_default).sse_algorithm == "aws:kms"
    error_message = "KMS encrypts"
  }

  assert {
    condition     = one(aws_s3_bucket_server_side_encryption_configuration.this["shop-dev-files"].rule).bucket_key_enabled
    error_message = "the bucket key is on"
  }

  assert {
    condition     = !aws_s3_bucket.this["shop-dev-files"].force_destroy
    error_message = "a bucket with contents is not deleted"
  }

  assert {
    condition     = aws_kms_key.own[0].enable_key_rotation
    error_message = "the key rotates"
  }

  assert {
    condition     = length(aws_s3_bucket_notification.this) == 0
    error_message = "changes are announced only on demand"
  }

  assert {
    condition     = aws_s3_bucket.this["shop-dev-files"].tags["portal:team"] == "shop"
    error_message = "resources name their team"
  }
}

run "policy_denies_plain_http_and_other_keys" {
  command = apply

  assert {
    condition     = [for s in jsondecode(aws_s3_bucket_policy.this["shop-dev-files"].policy).Statement : s.Sid if s.Effect == "Deny"] == ["OverTlsOnly", "NoOtherKey", "NoOtherCipher"]
    error_message = "the three denials must be there"
  }

  assert {
    condition     = jsondecode(aws_s3_bucket_policy.this["shop-dev-files"].policy).Statement[0].Condition.Bool["aws:SecureTransport"] == "false"
    error_message = "plain HTTP is denied"
  }

  assert {
    condition     = jsondecode(aws_s3_bucket_policy.this["shop-dev-files"].policy).Statement[1].Condition.StringNotEqualsIfExists["s3:x-amz-server-side-encryption-aws-kms-key-id"] == output.kms_key_arn
    error_message = "another key is denied"
  }

  assert {
    condition     = length([for s in jsondecode(aws_s3_bucket_policy.this["shop-dev-files"].policy).Statement : s if s.Effect == "Allow"]) == 0
    error_message = "the bucket policy itself allows nothing"
  }
}

run "announces_changes_when_asked" {
  command = plan

  variables {
    buckets = { "shop-dev-src" = { eventbridge = true } }
  }

  assert {
    condition     = aws_s3_bucket_notification.this["shop-dev-src"].eventbridge
    error_message = "EventBridge must hear of changes"
  }
}

run "the_environments_key_is_used" {
  command = plan

  variables {
    own_key     = false
    kms_key_arn = "arn:aws:kms:eu-west-1:111122223333:key/aaaaaaaa-2222-3333-4444-555555555555"
  }

  assert {
    condition     = length(aws_kms_key.own) == 0 && one(one(aws_s3_bucket_server_side_encryption_configuration.this["shop-dev-files"].rule).apply_server_side_encryption_by_default).kms_master_key_id == var.kms_key_arn
    error_message = "the given key must be used"
  }
}

run "refuses_no_bucket" {
  command = plan

  variables {
    buckets = {}
  }
  expect_failures = [var.buckets]
}

run "refuses_capitals" {
  command = plan

  variables {
    buckets = { "Shop-files" = {} }
  }
  expect_failures = [var.buckets]
}

run "refuses_an_underscore" {
  command = plan

  variables {
    buckets = { "shop_files" = {} }
  }
  expect_failures = [var.buckets]
}

run "refuses_a_name_too_short" {
  command = plan

  variables {
    buckets = { "ab" = {} }
  }
  expect_failures = [var.buckets]
}

run "refuses_a_name_too_long" {
  command = plan

  variables {
    buckets = { "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa" = {} }
  }
  expect_failures = [var.buckets]
}

run "refuses_an_address" {
  command = plan

  variables {
    buckets = { "192.168.0.1" = {} }
  }
  expect_failures = [var.buckets]
}

run "refuses_a_hyphen_at_the_end" {
  command = plan

  variables {
    buckets = { "shop-" = {} }
  }
  expect_failures = [var.buckets]
}

run "refuses_two_dots" {
  command = plan

  variables {
    buckets = { "shop..files" = {} }
  }
  expect_failures = [var.buckets]
}

run "refuses_a_reserved_prefix" {
  command = plan

  variables {
    buckets = { "xn--shop" = {} }
  }
  expect_failures = [var.buckets]
}

run "refuses_a_reserved_suffix" {
  command = plan

  variables {
    buckets = { "shop-s3alias" = {} }
  }
  expect_failures = [var.buckets]
}

run "refuses_days_below_one" {
  command = plan

  variables {
    buckets = { "shop-files" = { noncurrent_days = 0 } }
  }
  expect_failures = [var.buckets]
}

run "refuses_force_destroy_in_production" {
  command = plan

  variables {
    environment = "prod"
    buckets     = { "shop-files" = { force_destroy = true } }
  }
  expect_failures = [var.buckets]
}

run "refuses_production_without_versions" {
  command = plan

  variables {
    environment = "prod"
    buckets     = { "shop-files" = { versioning = false } }
  }
  expect_failures = [var.buckets]
}
