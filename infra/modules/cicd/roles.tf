# One role per step, each with what that step does and no more.
locals {
  assume = { for service in ["codepipeline", "codebuild", "events"] : service => jsonencode({
    Version = "2012-10-17"
    Statement = [{
      Effect    = "Allow"
      Action    = "sts:AssumeRole"
      Principal = { Service = "${service}.amazonaws.com" }
      Condition = { StringEquals = { "aws:SourceAccount" = local.account } }
    }]
  }) }
  host    = replace(var.gitlab_url, "https://", "")
  use_key = { Effect = "Allow", Action = ["kms:Decrypt", "kms:GenerateDataKey*"], Resource = local.key_arn }
  write_logs = {
    Effect   = "Allow"
    Action   = ["logs:CreateLogStream", "logs:PutLogEvents"]
    Resource = "${aws_cloudwatch_log_group.build.arn}:*"
  }
  artifacts = { Effect = "Allow", Action = ["s3:GetObject", "s3:GetObjectVersion", "s3:PutObject"], Resource = "${local.arn.artifact}/*" }
  # A build inside a network gets a network interface; EC2 knows no narrower resource for making one.
  interfaces = [
    { Effect = "Allow", Action = ["ec2:CreateNetworkInterface", "ec2:DescribeNetworkInterfaces", "ec2:DeleteNetworkInterface", "ec2:DescribeSubnets", "ec2:DescribeSecurityGroups", "ec2:DescribeDhcpOptions", "ec2:DescribeVpcs"], Resource = "*" },
    {
      Effect    = "Allow", Action = "ec2:CreateNetworkInterfacePermission", Resource = "arn:${local.partition}:ec2:${local.region}:${local.account}:network-interface/*"
      Condition = { StringEquals = { "ec2:AuthorizedService" = "codebuild.amazonaws.com" } }
    },
  ]
}

# GitLab's jobs of exactly these branches of exactly this project; no key is stored anywhere.
resource "aws_iam_role" "upload" {
  name                 = "${local.prefix}-ci-upload"
  path                 = "/platform/"
  permissions_boundary = var.boundary_arn
  max_session_duration = 3600
  tags                 = local.tags
  assume_role_policy = jsonencode({
    Version = "2012-10-17"
    Statement = [{
      Effect    = "Allow"
      Action    = "sts:AssumeRoleWithWebIdentity"
      Principal = { Federated = var.gitlab_oidc_arn }
      Condition = { StringEquals = {
        "${local.host}:aud" = var.gitlab_url
        "${local.host}:sub" = [for b in keys(var.branch_env) : "project_path:${var.repo_path}:ref_type:branch:ref:${b}"]
      } }
    }]
  })
}

resource "aws_iam_role_policy" "upload" {
  name = "upload-one-archive"
  role = aws_iam_role.upload.id
  policy = jsonencode({
    Version   = "2012-10-17"
    Statement = [{ Effect = "Allow", Action = "s3:PutObject", Resource = [for k in values(local.keys) : "${local.arn.source}/${k}"] }, local.use_key]
  })
}

resource "aws_iam_role" "build" {
  name                 = "${local.prefix}-build"
  path                 = "/platform/"
  permissions_boundary = var.boundary_arn
  assume_role_policy   = local.assume["codebuild"]
  tags                 = local.tags
}

resource "aws_iam_role_policy" "build" {
  name = "build-and-push"
  role = aws_iam_role.build.id
  policy = jsonencode({
    Version = "2012-10-17"
    Statement = concat(local.interfaces, [
      local.write_logs, local.artifacts, local.use_key,
      { Effect = "Allow", Action = "ecr:GetAuthorizationToken", Resource = "*" },
      {
        Effect   = "Allow"
        Action   = ["ecr:BatchCheckLayerAvailability", "ecr:InitiateLayerUpload", "ecr:UploadLayerPart", "ecr:CompleteLayerUpload", "ecr:PutImage", "ecr:BatchGetImage", "ecr:GetDownloadUrlForLayer", "ecr:DescribeImages"]
        Resource = var.ecr_repository_arn
      },
    ])
  })
}

resource "aws_iam_role" "deploy" {
  for_each = local.envs

  name                 = "${local.prefix}-deploy-${each.key}"
  path                 = "/platform/"
  permissions_boundary = var.boundary_arn
  assume_role_policy   = local.assume["codebuild"]
  tags                 = local.tags
}

# What it may do inside the cluster is decided there, by its access entry and the namespace's role.
resource "aws_iam_role_policy" "deploy" {
  for_each = local.envs

  name = "deploy"
  role = aws_iam_role.deploy[each.key].id
  policy = jsonencode({
    Version = "2012-10-17"
    Statement = concat(local.interfaces, [
      local.write_logs, local.artifacts, local.use_key,
      { Effect = "Allow", Action = "eks:DescribeCluster", Resource = "arn:${local.partition}:eks:${local.region}:${local.account}:cluster/${var.targets[each.key].cluster}" },
      { Effect = "Allow", Action = "ecr:GetAuthorizationToken", Resource = "*" },
      { Effect = "Allow", Action = ["ecr:DescribeImages", "ecr:BatchGetImage", "ecr:GetDownloadUrlForLayer"], Resource = [var.ecr_repository_arn, "arn:${local.partition}:ecr:${local.region}:${local.account}:repository/charts/*"] },
      { Effect = "Allow", Action = "events:PutEvents", Resource = var.deploy_bus_arn, Condition = { StringEquals = { "events:source" = "platform.deploy" } } },
    ])
  })
}

resource "aws_iam_role" "pipeline" {
  name                 = "${local.prefix}-pipeline"
  path                 = "/platform/"
  permissions_boundary = var.boundary_arn
  assume_role_policy   = local.assume["codepipeline"]
  tags                 = local.tags
}

resource "aws_iam_role_policy" "pipeline" {
  name = "run"
  role = aws_iam_role.pipeline.id
  policy = jsonencode({
    Version = "2012-10-17"
    Statement = [
      { Effect = "Allow", Action = ["s3:GetObject", "s3:GetObjectVersion"], Resource = [for k in values(local.keys) : "${local.arn.source}/${k}"] },
      { Effect = "Allow", Action = ["s3:GetBucketVersioning", "s3:GetBucketLocation"], Resource = values(local.arn) },
      local.artifacts, local.use_key,
      { Effect = "Allow", Action = ["codebuild:StartBuild", "codebuild:BatchGetBuilds"], Resource = concat([aws_codebuild_project.build.arn], [for p in aws_codebuild_project.deploy : p.arn]) },
    ]
  })
}

resource "aws_iam_role" "start" {
  name                 = "${local.prefix}-start"
  path                 = "/platform/"
  permissions_boundary = var.boundary_arn
  assume_role_policy   = local.assume["events"]
  tags                 = local.tags
}

resource "aws_iam_role_policy" "start" {
  name = "start-pipeline"
  role = aws_iam_role.start.id
  policy = jsonencode({
    Version   = "2012-10-17"
    Statement = [{ Effect = "Allow", Action = "codepipeline:StartPipelineExecution", Resource = [for p in aws_codepipeline.this : p.arn] }]
  })
}
