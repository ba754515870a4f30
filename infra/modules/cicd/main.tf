# From an upload to a release: each upload starts one pipeline run, of exactly the uploaded version.
locals {
  component    = "cicd"
  key_services = ["logs.${local.region}.amazonaws.com"]
  prefix       = "${var.service}-${var.environment}"
  envs         = toset(distinct(flatten(values(var.branch_env))))
  keys         = { for b in keys(var.branch_env) : b => "src/${var.repo_path}/${b}.zip" }
  arn          = { for k, v in { source = var.source_bucket, artifact = var.artifact_bucket } : k => "arn:${local.partition}:s3:::${v}" }

  # Per branch, the stages after the build: an approval where one is due, then the deployment.
  stages = { for b, envs in var.branch_env : b => flatten([for e in envs : concat(
    contains(var.approval_envs, e) ? [{ name = "approve-${e}", env = e, approve = true }] : [],
    [{ name = "deploy-${e}", env = e, approve = false }],
  )]) }
}

resource "aws_cloudwatch_log_group" "build" {
  name              = "/platform/${local.prefix}/build"
  retention_in_days = var.log_retention
  kms_key_id        = local.key_arn
  tags              = local.tags
}

resource "aws_security_group" "build" {
  name        = "${local.prefix}-build"
  description = "Builds of ${var.service}: nobody comes in"
  vpc_id      = var.vpc_id
  tags        = merge(local.tags, { Name = "${local.prefix}-build" })
}

resource "aws_vpc_security_group_egress_rule" "tls" {
  security_group_id = aws_security_group.build.id
  description       = "AWS, registries and the Kubernetes API"
  cidr_ipv4         = "0.0.0.0/0"
  ip_protocol       = "tcp"
  from_port         = 443
  to_port           = 443
  tags              = local.tags
}

# Making an image needs a privileged container. That project has no right to deploy.
resource "aws_codebuild_project" "build" {
  #checkov:skip=CKV_AWS_316:making an image needs it; this project has no right to deploy, and those that deploy are not privileged (owner: platform)
  name           = "${local.prefix}-build"
  description    = "Makes and pushes the image of ${var.service}"
  service_role   = aws_iam_role.build.arn
  build_timeout  = 30
  encryption_key = local.key_arn
  tags           = local.tags

  artifacts {
    type = "CODEPIPELINE"
  }

  source {
    type      = "CODEPIPELINE"
    buildspec = "buildspec.yml"
  }

  environment {
    type            = "LINUX_CONTAINER"
    compute_type    = "BUILD_GENERAL1_SMALL"
    image           = var.build_image
    privileged_mode = true

    environment_variable {
      name  = "ECR_REPOSITORY"
      value = var.ecr_repository_url
    }
    environment_variable {
      name  = "SERVICE"
      value = var.service
    }
  }

  logs_config {
    cloudwatch_logs {
      group_name  = aws_cloudwatch_log_group.build.name
      stream_name = "build"
    }
  }

  vpc_config {
    vpc_id             = var.vpc_id
    subnets            = var.subnet_ids
    security_group_ids = [aws_security_group.build.id]
  }
}

resource "aws_codebuild_project" "deploy" {
  for_each = local.envs

  name           = "${local.prefix}-deploy-${each.key}"
  description    = "Deploys ${var.service} to ${each.key} by digest"
  service_role   = aws_iam_role.deploy[each.key].arn
  build_timeout  = 20
  encryption_key = local.key_arn
  tags           = local.tags

  artifacts {
    type = "CODEPIPELINE"
  }

  source {
    type      = "CODEPIPELINE"
    buildspec = "buildspec-deploy.yml"
  }

  environment {
    type            = "LINUX_CONTAINER"
    compute_type    = "BUILD_GENERAL1_SMALL"
    image           = var.build_image
    privileged_mode = false

    dynamic "environment_variable" {
      for_each = {
        SERVICE        = var.service
        DEPLOY_ENV     = each.key
        CLUSTER        = var.targets[each.key].cluster
        NAMESPACE      = var.targets[each.key].namespace
        CHART_URI      = var.chart_uri
        CHART_VERSION  = var.chart_version
        ECR_REPOSITORY = var.ecr_repository_url
        DEPLOY_BUS     = var.deploy_bus_arn
      }
      content {
        name  = environment_variable.key
        value = environment_variable.value
      }
    }
  }

  logs_config {
    cloudwatch_logs {
      group_name  = aws_cloudwatch_log_group.build.name
      stream_name = "deploy-${each.key}"
    }
  }

  vpc_config {
    vpc_id             = var.vpc_id
    subnets            = var.subnet_ids
    security_group_ids = [aws_security_group.build.id]
  }
}

resource "aws_codepipeline" "this" {
  for_each = var.branch_env

  name           = "${local.prefix}-${each.key}"
  role_arn       = aws_iam_role.pipeline.arn
  pipeline_type  = "V2"
  execution_mode = "QUEUED" # every upload is deployed, in order; SUPERSEDED would skip some without a word
  tags           = local.tags

  artifact_store {
    type     = "S3"
    location = var.artifact_bucket
    encryption_key {
      type = "KMS"
      id   = local.key_arn
    }
  }

  stage {
    name = "source"
    action {
      name             = "Source"
      category         = "Source"
      owner            = "AWS"
      provider         = "S3"
      version          = "1"
      output_artifacts = ["source"]
      configuration = {
        S3Bucket             = var.source_bucket
        S3ObjectKey          = local.keys[each.key]
        PollForSourceChanges = "false" # the event starts it; polling as well would start it twice
      }
    }
  }

  stage {
    name = "build"
    action {
      name             = "Build"
      namespace        = "Build"
      category         = "Build"
      owner            = "AWS"
      provider         = "CodeBuild"
      version          = "1"
      input_artifacts  = ["source"]
      output_artifacts = ["built"]
      configuration    = { ProjectName = aws_codebuild_project.build.name }
    }
  }

  dynamic "stage" {
    for_each = local.stages[each.key]
    content {
      name = stage.value.name
      action {
        name            = stage.value.name
        category        = stage.value.approve ? "Approval" : "Build"
        owner           = "AWS"
        provider        = stage.value.approve ? "Manual" : "CodeBuild"
        version         = "1"
        input_artifacts = stage.value.approve ? [] : ["built"]
        configuration = stage.value.approve ? { CustomData = "Deploy ${var.service} to ${stage.value.env}? Commit #{Build.COMMIT_SHA}" } : {
          ProjectName = aws_codebuild_project.deploy[stage.value.env].name
          # The digest is handed on as a value, so what is deployed is what was built.
          EnvironmentVariables = jsonencode([
            for k in ["IMAGE_DIGEST", "IMAGE_TAG", "COMMIT_SHA"] : { name = k, value = "#{Build.${k}}", type = "PLAINTEXT" }
          ])
        }
      }
    }
  }
}

resource "aws_cloudwatch_event_rule" "upload" {
  for_each = local.keys

  name        = "${local.prefix}-${each.key}-upload"
  description = "Starts the pipeline of ${var.service} after an upload"
  tags        = local.tags
  event_pattern = jsonencode({
    source        = ["aws.s3"]
    "detail-type" = ["Object Created"]
    detail        = { bucket = { name = [var.source_bucket] }, object = { key = [each.value] } }
  })
}

resource "aws_cloudwatch_event_target" "upload" {
  for_each = local.keys

  rule     = aws_cloudwatch_event_rule.upload[each.key].name
  arn      = aws_codepipeline.this[each.key].arn
  role_arn = aws_iam_role.start.arn

  # The version of the event, not the newest: two uploads in one minute are two runs of two versions.
  input_transformer {
    input_paths    = { version = "$.detail.object.version-id" }
    input_template = "{\"sourceRevisions\":[{\"actionName\":\"Source\",\"revisionType\":\"S3_OBJECT_VERSION_ID\",\"revisionValue\":\"<version>\"}]}"
  }
}
