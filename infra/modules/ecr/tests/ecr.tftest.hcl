mock_provider "aws" {
  source = "./tests/mocks"
}

run "defaults_are_immutable_scanned_and_encrypted" {
  command = plan

  assert {
    condition     = aws_ecr_repository.this["shop/checkout"].image_tag_mutability == "IMMUTABLE"
    error_message = "tags cannot be moved"
  }

  assert {
    condition     = aws_ecr_repository.this["shop/checkout"].image_scanning_configuration[0].scan_on_push
    error_message = "images are scanned"
  }

  assert {
    condition     = aws_ecr_repository.this["shop/checkout"].encryption_configuration[0].encryption_type == "KMS"
    error_message = "KMS encrypts"
  }

  assert {
    condition     = !aws_ecr_repository.this["shop/checkout"].force_delete
    error_message = "a repository with images is not deleted"
  }

  assert {
    condition     = aws_kms_key.own[0].enable_key_rotation
    error_message = "the key rotates"
  }

  assert {
    condition     = length(aws_ecr_repository_policy.pull) == 0
    error_message = "nobody outside the account pulls"
  }
}

run "released_images_never_leave_by_age" {
  command = plan

  assert {
    condition     = alltrue([for r in jsondecode(aws_ecr_lifecycle_policy.this["shop/checkout"].policy).rules : r.selection.countType == "imageCountMoreThan" if r.selection.tagStatus != "untagged"])
    error_message = "tagged images must leave by count only"
  }

  assert {
    condition     = alltrue([for r in jsondecode(aws_ecr_lifecycle_policy.this["shop/checkout"].policy).rules : r.selection.countNumber >= 20 if r.selection.tagStatus == "tagged"])
    error_message = "twenty releases at least are kept"
  }
}

run "another_account_may_pull_when_named" {
  command = plan

  variables {
    pull_principals = ["arn:aws:iam::444455556666:root"]
  }

  assert {
    condition     = jsondecode(aws_ecr_repository_policy.pull["shop/checkout"].policy).Statement[0].Principal.AWS == ["arn:aws:iam::444455556666:root"]
    error_message = "only the named principal"
  }

  assert {
    condition     = alltrue([for a in jsondecode(aws_ecr_repository_policy.pull["shop/checkout"].policy).Statement[0].Action : !strcontains(a, "Put") && !strcontains(a, "*")])
    error_message = "pulling, not pushing"
  }
}

run "the_environments_key_is_used" {
  command = plan

  variables {
    own_key     = false
    kms_key_arn = "arn:aws:kms:eu-west-1:111122223333:key/aaaaaaaa-2222-3333-4444-555555555555"
  }

  assert {
    condition     = aws_ecr_repository.this["shop/checkout"].encryption_configuration[0].kms_key == var.kms_key_arn
    error_message = "the given key must be used"
  }
}

run "refuses_no_repository" {
  command = plan

  variables {
    repositories = {}
  }
  expect_failures = [var.repositories]
}

run "refuses_capitals" {
  command = plan

  variables {
    repositories = { "Shop/Checkout" = {} }
  }
  expect_failures = [var.repositories]
}

run "refuses_a_slash_at_the_end" {
  command = plan

  variables {
    repositories = { "shop/" = {} }
  }
  expect_failures = [var.repositories]
}

run "refuses_to_keep_too_few" {
  command = plan

  variables {
    repositories = { "shop/checkout" = { keep_tagged = 5 } }
  }
  expect_failures = [var.repositories]
}

run "refuses_no_days_for_leftovers" {
  command = plan

  variables {
    repositories = { "shop/checkout" = { untagged_days = 0 } }
  }
  expect_failures = [var.repositories]
}

run "refuses_everybody" {
  command = plan

  variables {
    pull_principals = ["*"]
  }
  expect_failures = [var.pull_principals]
}
