# Who may do what: a Google group becomes a role in AWS, and that role a group in Kubernetes. People's roles look and
# develop; what changes things is done by the portal's worker, through one exec role per kind of action.
data "aws_caller_identity" "current" {}

data "aws_partition" "current" {}

data "aws_region" "current" {}

locals {
  account   = data.aws_caller_identity.current.account_id
  partition = data.aws_partition.current.partition
  region    = data.aws_region.current.id
  role      = "arn:${local.partition}:iam::${local.account}:role"

  people = merge(
    { for t in keys(var.teams) : "team-${t}-view" => { hours = 8, group = "portal:${t}:view", statements = local.view } },
    { for t in keys(var.teams) : "team-${t}-dev" => { hours = 8, group = "portal:${t}:edit", statements = concat(local.view, local.dev[t]) } },
    { "platform-ops" = { hours = 8, group = "portal:platform:ops", statements = concat(local.view, local.ops) } },
    { "break-glass" = { hours = 1, group = null, statements = local.break_glass } },
  )

  view = [{
    Sid      = "Look"
    Effect   = "Allow"
    Action   = ["eks:DescribeCluster", "eks:ListClusters", "logs:FilterLogEvents", "logs:GetLogEvents", "logs:DescribeLogGroups", "logs:DescribeLogStreams", "cloudwatch:GetMetricData", "cloudwatch:ListMetrics", "ecr:DescribeImages", "ecr:DescribeRepositories", "codepipeline:GetPipelineState", "codepipeline:ListPipelineExecutions", "codebuild:BatchGetBuilds", "rds:DescribeDBInstances", "tag:GetResources"]
    Resource = "*"
  }]
  # Whoever develops opens a session on the team's bastion. Secrets are named, never read, even by developers.
  dev = { for t in keys(var.teams) : t => [
    { Sid = "OwnBastion", Effect = "Allow", Action = "ssm:StartSession", Resource = "arn:${local.partition}:ec2:${local.region}:${local.account}:instance/*", Condition = { StringEquals = { "aws:ResourceTag/portal:team" = t } } },
    { Sid = "OwnSession", Effect = "Allow", Action = ["ssm:TerminateSession", "ssm:ResumeSession"], Resource = "arn:${local.partition}:ssm:*:${local.account}:session/$${aws:userid}-*" },
    { Sid = "NameSecrets", Effect = "Allow", Action = ["secretsmanager:DescribeSecret"], Resource = "arn:${local.partition}:secretsmanager:${local.region}:${local.account}:secret:${var.secret_prefix}${t}/*" },
  ] }
  ops = [
    { Sid = "Operate", Effect = "Allow", Action = ["ec2:Describe*", "eks:Describe*", "eks:List*", "elasticloadbalancing:Describe*", "route53:List*", "route53:Get*", "s3:ListAllMyBuckets", "s3:GetBucket*", "sqs:GetQueueAttributes", "events:Describe*", "events:List*", "ssm:StartSession", "cloudtrail:LookupEvents"], Resource = "*" },
    { Sid = "NoValues", Effect = "Deny", Action = ["secretsmanager:GetSecretValue", "secretsmanager:BatchGetSecretValue"], Resource = "*" },
  ]
  break_glass = [{ Sid = "Emergency", Effect = "Allow", Action = ["eks:*", "ec2:*", "rds:*", "logs:*", "cloudwatch:*", "elasticloadbalancing:*", "autoscaling:*", "ssm:*"], Resource = "*" }]

  state = { Sid = "StateAndLock", Effect = "Allow", Action = ["s3:GetObject", "s3:PutObject", "s3:DeleteObject"], Resource = "arn:${local.partition}:s3:::${var.state_bucket}/env/$${aws:PrincipalTag/env-id}/*" }
  mine  = { StringEquals = { "aws:ResourceTag/portal:env-id" = "$${aws:PrincipalTag/env-id}" } }
  # Once a role carries a boundary, its policy may still give it everything; so the boundary is what is checked here.
  roles_only_with_boundary = [
    { Sid = "RolesWithBoundary", Effect = "Allow", Action = ["iam:CreateRole", "iam:PutRolePolicy", "iam:AttachRolePolicy"], Resource = "${local.role}/platform/*", Condition = { StringEquals = { "iam:PermissionsBoundary" = var.boundary_arn } } },
    { Sid = "BoundaryStays", Effect = "Deny", Action = ["iam:DeleteRolePermissionsBoundary", "iam:CreatePolicyVersion", "iam:DeletePolicy", "iam:SetDefaultPolicyVersion"], Resource = "*" },
    { Sid = "PassListed", Effect = "Allow", Action = "iam:PassRole", Resource = "${local.role}/platform/*", Condition = { StringEquals = { "iam:PassedToService" = ["eks.amazonaws.com", "ec2.amazonaws.com", "rds.amazonaws.com", "codebuild.amazonaws.com", "codepipeline.amazonaws.com", "pods.eks.amazonaws.com"] } } },
  ]

  exec = {
    plan  = [{ Sid = "Read", Effect = "Allow", Action = ["ec2:Describe*", "eks:Describe*", "eks:List*", "rds:Describe*", "rds:List*", "s3:GetBucket*", "s3:GetEncryptionConfiguration", "s3:GetLifecycleConfiguration", "s3:ListBucket", "ecr:Describe*", "ecr:GetLifecyclePolicy", "ecr:GetRepositoryPolicy", "ecr:ListTagsForResource", "kms:DescribeKey", "kms:GetKey*", "kms:List*", "logs:Describe*", "logs:ListTags*", "route53:Get*", "route53:List*", "iam:GetRole", "iam:GetRolePolicy", "iam:ListRolePolicies", "iam:ListAttachedRolePolicies", "secretsmanager:DescribeSecret", "acm:DescribeCertificate", "acm:ListTagsForCertificate", "cloudfront:Get*", "sqs:GetQueueAttributes", "events:Describe*", "events:List*"], Resource = "*" }, local.state]
    apply = concat([local.state, { Sid = "CreateHere", Effect = "Allow", Action = ["ec2:Create*", "ec2:Modify*", "ec2:Associate*", "ec2:Attach*", "ec2:Authorize*", "ec2:RunInstances", "ec2:AllocateAddress", "ec2:Describe*", "eks:Create*", "eks:Update*", "eks:TagResource", "eks:Describe*", "eks:AssociateAccessPolicy", "rds:Create*", "rds:Modify*", "rds:AddTagsToResource", "rds:Describe*", "s3:CreateBucket", "s3:PutBucket*", "s3:PutEncryptionConfiguration", "s3:PutLifecycleConfiguration", "ecr:CreateRepository", "ecr:Put*", "ecr:SetRepositoryPolicy", "ecr:TagResource", "kms:CreateKey", "kms:CreateAlias", "kms:TagResource", "kms:EnableKeyRotation", "kms:PutKeyPolicy", "logs:CreateLogGroup", "logs:PutRetentionPolicy", "logs:TagResource", "route53:Create*", "route53:Change*"], Resource = "*", Condition = { StringEquals = { "aws:RequestedRegion" = [local.region, "us-east-1"] } } }], local.roles_only_with_boundary)
    destroy = [local.state, { Sid = "OwnOnly", Effect = "Allow", Action = ["ec2:Delete*", "ec2:TerminateInstances", "ec2:ReleaseAddress", "ec2:Detach*", "ec2:Disassociate*", "eks:Delete*", "rds:Delete*", "s3:DeleteBucket*", "ecr:DeleteRepository", "kms:ScheduleKeyDeletion", "logs:DeleteLogGroup", "sqs:DeleteQueue"], Resource = "*", Condition = local.mine },
    { Sid = "OwnRoles", Effect = "Allow", Action = ["iam:DeleteRole", "iam:DeleteRolePolicy", "iam:DetachRolePolicy"], Resource = "${local.role}/platform/*", Condition = local.mine }]
    helm     = [{ Sid = "Enter", Effect = "Allow", Action = "eks:DescribeCluster", Resource = "arn:${local.partition}:eks:${local.region}:${local.account}:cluster/*" }]
    bindings = [{ Sid = "Entries", Effect = "Allow", Action = ["eks:CreateAccessEntry", "eks:UpdateAccessEntry", "eks:DeleteAccessEntry", "eks:DescribeAccessEntry", "eks:ListAccessEntries"], Resource = ["arn:${local.partition}:eks:${local.region}:${local.account}:cluster/*", "arn:${local.partition}:eks:${local.region}:${local.account}:access-entry/*"] }]
    pipeline = [{ Sid = "StartAndApprove", Effect = "Allow", Action = ["codepipeline:StartPipelineExecution", "codepipeline:PutApprovalResult", "codepipeline:GetPipelineState"], Resource = "arn:${local.partition}:codepipeline:${local.region}:${local.account}:*", Condition = { StringEquals = { "aws:ResourceTag/portal:env-id" = "$${aws:PrincipalTag/env-id}" } } }]
    secrets  = [{ Sid = "WriteNeverRead", Effect = "Allow", Action = ["secretsmanager:CreateSecret", "secretsmanager:PutSecretValue", "secretsmanager:DescribeSecret", "secretsmanager:TagResource"], Resource = "arn:${local.partition}:secretsmanager:${local.region}:${local.account}:secret:${var.secret_prefix}*" }, { Sid = "NoValues", Effect = "Deny", Action = ["secretsmanager:GetSecretValue", "secretsmanager:BatchGetSecretValue"], Resource = "*" }]
  }
}

resource "aws_iam_role" "people" {
  for_each = local.people

  name                 = each.key
  path                 = "/people/"
  description          = "Kubernetes group: ${coalesce(each.value.group, "cluster administrator, for an hour")}"
  max_session_duration = each.value.hours * 3600
  permissions_boundary = var.boundary_arn
  tags                 = local.tags
  assume_role_policy = jsonencode({
    Version = "2012-10-17"
    Statement = [strcontains(var.trusted_principal, ":saml-provider/") ? {
      Effect    = "Allow"
      Action    = ["sts:AssumeRoleWithSAML", "sts:TagSession"]
      Principal = { Federated = var.trusted_principal }
      Condition = { StringEquals = { "SAML:aud" = "https://signin.aws.amazon.com/saml" } }
      } : {
      Effect    = "Allow"
      Action    = ["sts:AssumeRole", "sts:TagSession"]
      Principal = { AWS = var.trusted_principal }
      Condition = { StringEquals = { "aws:PrincipalTag/portal-role" = each.key } }
    }]
  })
}

resource "aws_iam_role_policy" "people" {
  for_each = local.people

  name   = "may"
  role   = aws_iam_role.people[each.key].id
  policy = jsonencode({ Version = "2012-10-17", Statement = each.value.statements })
}

resource "aws_iam_role" "exec" {
  for_each = local.exec

  name                 = "${local.id}-exec-${each.key}"
  path                 = "/slipway/"
  description          = "The portal's worker, doing: ${each.key}"
  max_session_duration = 3600
  tags                 = local.tags
  assume_role_policy = jsonencode({
    Version = "2012-10-17"
    Statement = [{
      Effect    = "Allow"
      Action    = ["sts:AssumeRole", "sts:TagSession"]
      Principal = { AWS = var.worker_role_arn }
      # Without the environment in the session's tags the policies below match nothing; so it is refused at once.
      Condition = { Null = { "aws:RequestTag/env-id" = "false", "aws:RequestTag/request-id" = "false" } }
    }]
  })
}

resource "aws_iam_role_policy" "exec" {
  for_each = local.exec

  name   = "may"
  role   = aws_iam_role.exec[each.key].id
  policy = jsonencode({ Version = "2012-10-17", Statement = each.value })
}
