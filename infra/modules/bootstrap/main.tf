# What must exist before anything else: where state is kept, GitLab's trust, the limit for all later roles. A human
# applies it once with local state, then moves that state into the bucket it made (docs/operating.md).
locals {
  component    = "bootstrap"
  key_services = []
  bucket       = "${var.org}-terraform-state-${local.account}"
}

resource "aws_s3_bucket" "state" {
  #checkov:skip=CKV2_AWS_62:nothing reacts to changes of state (owner: platform)
  #checkov:skip=CKV_AWS_144:versions are kept; a second region is for an organisation to decide, docs/operating.md (owner: platform)
  #checkov:skip=CKV_AWS_18:CloudTrail data events record who reads state, with the person (owner: platform)
  bucket = local.bucket
  tags   = merge(local.tags, { Name = local.bucket })

  lifecycle {
    prevent_destroy = true # without the state nobody knows what is theirs
  }
}

resource "aws_s3_bucket_ownership_controls" "state" {
  bucket = aws_s3_bucket.state.id
  rule {
    object_ownership = "BucketOwnerEnforced"
  }
}

resource "aws_s3_bucket_public_access_block" "state" {
  bucket                  = aws_s3_bucket.state.id
  block_public_acls       = true
  block_public_policy     = true
  ignore_public_acls      = true
  restrict_public_buckets = true
}

resource "aws_s3_bucket_versioning" "state" {
  bucket = aws_s3_bucket.state.id
  versioning_configuration {
    status = "Enabled"
  }
}

resource "aws_s3_bucket_server_side_encryption_configuration" "state" {
  bucket = aws_s3_bucket.state.id
  rule {
    bucket_key_enabled = true
    apply_server_side_encryption_by_default {
      sse_algorithm     = "aws:kms"
      kms_master_key_id = local.key_arn
    }
  }
}

resource "aws_s3_bucket_lifecycle_configuration" "state" {
  bucket = aws_s3_bucket.state.id
  rule {
    id     = "old-states"
    status = "Enabled"
    filter {}
    noncurrent_version_expiration {
      noncurrent_days = 365
    }
    abort_incomplete_multipart_upload {
      days_after_initiation = 1
    }
  }

  depends_on = [aws_s3_bucket_versioning.state]
}

resource "aws_s3_bucket_policy" "state" {
  bucket = aws_s3_bucket.state.id
  policy = jsonencode({
    Version = "2012-10-17"
    Statement = [{
      Sid       = "OverTlsOnly"
      Effect    = "Deny"
      Principal = "*"
      Action    = "s3:*"
      Resource  = [aws_s3_bucket.state.arn, "${aws_s3_bucket.state.arn}/*"]
      Condition = { Bool = { "aws:SecureTransport" = "false" } }
    }]
  })

  depends_on = [aws_s3_bucket_public_access_block.state]
}

resource "aws_iam_openid_connect_provider" "gitlab" {
  url            = var.gitlab_url
  client_id_list = [var.gitlab_url]
  tags           = local.tags
}

# Every role that the portal makes later must carry this boundary, and may neither change it nor make roles without it.
resource "aws_iam_policy" "boundary" {
  #checkov:skip=CKV_AWS_287:a boundary gives nothing: it is the most that a role's own policy can reach (owner: platform)
  #checkov:skip=CKV_AWS_288:a boundary gives nothing: it is the most that a role's own policy can reach (owner: platform)
  #checkov:skip=CKV_AWS_289:a boundary gives nothing: it is the most that a role's own policy can reach (owner: platform)
  #checkov:skip=CKV_AWS_290:a boundary gives nothing: it is the most that a role's own policy can reach (owner: platform)
  #checkov:skip=CKV_AWS_355:a boundary gives nothing: it is the most that a role's own policy can reach (owner: platform)
  name        = "${local.id}-boundary"
  description = "The most that a role made by the portal can ever do"
  tags        = local.tags
  policy = jsonencode({
    Version = "2012-10-17"
    Statement = [
      { Sid = "AtMost", Effect = "Allow", Action = var.boundary_actions, Resource = "*" },
      { Sid = "PassToServices", Effect = "Allow", Action = ["iam:PassRole", "iam:GetRole"], Resource = "arn:${local.partition}:iam::${local.account}:role/platform/*" },
      { Sid = "StateIsNotTheirs", Effect = "Deny", Action = "s3:*", Resource = ["arn:${local.partition}:s3:::${local.bucket}", "arn:${local.partition}:s3:::${local.bucket}/*"] },
    ]
  })
}
