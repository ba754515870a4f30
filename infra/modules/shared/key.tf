# The key that encrypts what the module makes. An environment has one key, made once and handed to every module
# (own_key = false); a module used alone makes its own. Copied from infra/modules/shared by infra/lab/sync.py.

variable "own_key" {
  description = "Whether to make a KMS key for this module alone. Choose false to use the environment's key."
  type        = bool
  default     = true
}

variable "kms_key_arn" {
  description = "ARN of the environment's KMS key; needed when own_key is false."
  type        = string
  default     = null

  validation {
    condition     = var.own_key || var.kms_key_arn != null
    error_message = "Give kms_key_arn, or leave own_key at true so that a key is made."
  }
  validation {
    condition     = var.kms_key_arn == null || can(regex("^arn:aws[a-z-]*:kms:[a-z0-9-]+:[0-9]{12}:key/", var.kms_key_arn))
    error_message = "The key must be given as the ARN of a KMS key, not as its id or alias."
  }
}

data "aws_caller_identity" "current" {}

data "aws_partition" "current" {}

data "aws_region" "current" {}

locals {
  account   = data.aws_caller_identity.current.account_id
  partition = data.aws_partition.current.partition
  region    = data.aws_region.current.id # the same in versions 5 and 6 of the provider; `name` is not
  key_use   = ["kms:Encrypt", "kms:Decrypt", "kms:ReEncrypt*", "kms:GenerateDataKey*", "kms:DescribeKey"]
  key_arn   = var.own_key ? aws_kms_key.own[0].arn : var.kms_key_arn
}

resource "aws_kms_key" "own" {
  count = var.own_key ? 1 : 0

  description             = "${local.id} ${local.component}"
  enable_key_rotation     = true
  deletion_window_in_days = var.environment == "prod" ? 30 : 7
  tags                    = local.tags

  policy = jsonencode({
    Version = "2012-10-17"
    Statement = concat(
      [{
        # IAM of this account decides who may use the key. Without this statement AWS could lock everybody out.
        Sid       = "AccountDecides"
        Effect    = "Allow"
        Principal = { AWS = "arn:${local.partition}:iam::${local.account}:root" }
        Action    = "kms:*"
        Resource  = "*"
      }],
      # A service acts for many accounts: only its work for ours is allowed (no confused deputy). Log groups are told apart
      # by the encryption context, which is what CloudWatch Logs sends instead of the source account.
      [for service in local.key_services : {
        Sid       = "Service${title(split(".", service)[0])}"
        Effect    = "Allow"
        Principal = { Service = service }
        Action    = local.key_use
        Resource  = "*"
        Condition = { ArnLike = { "kms:EncryptionContext:aws:logs:arn" = "arn:${local.partition}:logs:${local.region}:${local.account}:log-group:*" } }
      } if startswith(service, "logs.")],
      [for service in local.key_services : {
        Sid       = "Service${title(split(".", service)[0])}"
        Effect    = "Allow"
        Principal = { Service = service }
        Action    = local.key_use
        Resource  = "*"
        Condition = { StringEquals = { "aws:SourceAccount" = local.account } }
      } if !startswith(service, "logs.")],
    )
  })
}

resource "aws_kms_alias" "own" {
  count = var.own_key ? 1 : 0

  name          = "alias/${local.id}-${local.component}"
  target_key_id = aws_kms_key.own[0].key_id
}
