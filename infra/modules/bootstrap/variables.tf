variable "org" {
  description = "Short name of the organisation; with the account's number it makes the state bucket's name unique in the world."
  type        = string

  validation {
    condition     = can(regex("^[a-z][a-z0-9-]{1,20}$", var.org))
    error_message = "The organisation's short name must begin with a letter and have 2 to 21 lower-case letters, digits or hyphens."
  }
}

variable "gitlab_url" {
  description = "Address of GitLab, whose pipelines sign in to AWS without a stored key. AWS must be able to reach it."
  type        = string

  validation {
    condition     = can(regex("^https://[a-z0-9.-]+$", var.gitlab_url))
    error_message = "GitLab's address must begin with https:// and end with the host's name, without a slash."
  }
}

variable "boundary_actions" {
  description = "What roles made by the portal may ever do at most, whatever their own policies say."
  type        = list(string)
  default = [
    "acm:*", "autoscaling:*", "cloudfront:*", "cloudwatch:*", "codebuild:*", "codepipeline:*", "ec2:*", "ecr:*", "eks:*",
    "elasticloadbalancing:*", "events:*", "kms:*", "logs:*", "rds:*", "route53:*", "s3:*", "secretsmanager:*", "sqs:*", "ssm:*", "sts:*",
  ]

  validation {
    condition     = length(var.boundary_actions) > 0 && !contains(var.boundary_actions, "*") && !anytrue([for a in var.boundary_actions : startswith(a, "iam:") || startswith(a, "organizations:") || startswith(a, "account:")])
    error_message = "The boundary must name services, and never *, iam, organizations or account: a role could otherwise free itself from it."
  }
}
