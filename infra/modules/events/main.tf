# What happened in AWS (uploads, pipelines, builds, pushes) and what the deploy step reports, in one queue for the
# portal's worker. Deployments have a bus of their own: an event does not prove who sent it, but a bus decides who may.
locals {
  component    = "events"
  key_services = ["events.amazonaws.com", "sqs.amazonaws.com"]

  rules = {
    upload   = { source = "aws.s3", types = ["Object Created"] }
    pipeline = { source = "aws.codepipeline", types = ["CodePipeline Pipeline Execution State Change", "CodePipeline Stage Execution State Change", "CodePipeline Action Execution State Change"] }
    build    = { source = "aws.codebuild", types = ["CodeBuild Build State Change"] }
    push     = { source = "aws.ecr", types = ["ECR Image Action"] }
  }
}

resource "aws_sqs_queue" "failed" {
  name                      = "${var.queue_name}-failed"
  message_retention_seconds = var.retention_days * 86400
  kms_master_key_id         = local.key_arn
  tags                      = local.tags
}

resource "aws_sqs_queue" "this" {
  name                       = var.queue_name
  message_retention_seconds  = var.retention_days * 86400
  visibility_timeout_seconds = 60
  receive_wait_time_seconds  = 20 # long polling: fewer empty answers
  kms_master_key_id          = local.key_arn
  tags                       = local.tags

  redrive_policy = jsonencode({
    deadLetterTargetArn = aws_sqs_queue.failed.arn
    maxReceiveCount     = 5
  })
}

resource "aws_sqs_queue_redrive_allow_policy" "failed" {
  queue_url = aws_sqs_queue.failed.id
  redrive_allow_policy = jsonencode({
    redrivePermission = "byQueue"
    sourceQueueArns   = [aws_sqs_queue.this.arn]
  })
}

resource "aws_cloudwatch_event_rule" "aws" {
  for_each = local.rules

  name        = "${local.id}-${each.key}"
  description = "To the portal: ${each.value.source}"
  tags        = local.tags
  event_pattern = jsonencode({
    source        = [each.value.source]
    "detail-type" = each.value.types
    account       = [local.account]
  })
}

resource "aws_cloudwatch_event_target" "aws" {
  for_each = local.rules

  rule = aws_cloudwatch_event_rule.aws[each.key].name
  arn  = aws_sqs_queue.this.arn

  retry_policy {
    maximum_event_age_in_seconds = 86400
    maximum_retry_attempts       = 185
  }
  dead_letter_config {
    arn = aws_sqs_queue.failed.arn
  }
}

resource "aws_cloudwatch_event_bus" "deploy" {
  name = "${local.id}-deploy"
  tags = local.tags
}

resource "aws_cloudwatch_event_bus_policy" "deploy" {
  count = length(var.deploy_role_arns) > 0 ? 1 : 0

  event_bus_name = aws_cloudwatch_event_bus.deploy.name
  policy = jsonencode({
    Version = "2012-10-17"
    Statement = [{
      Sid       = "DeployRolesReport"
      Effect    = "Allow"
      Principal = { AWS = var.deploy_role_arns }
      Action    = "events:PutEvents"
      Resource  = aws_cloudwatch_event_bus.deploy.arn
      Condition = { StringEquals = { "events:source" = "platform.deploy", "events:detail-type" = "Deployment Finished" } }
    }]
  })
}

resource "aws_cloudwatch_event_rule" "deploy" {
  name           = "${local.id}-deploy"
  description    = "To the portal: finished deployments"
  event_bus_name = aws_cloudwatch_event_bus.deploy.name
  tags           = local.tags
  event_pattern = jsonencode({
    source        = ["platform.deploy"]
    "detail-type" = ["Deployment Finished"]
    account       = [local.account]
  })
}

resource "aws_cloudwatch_event_target" "deploy" {
  rule           = aws_cloudwatch_event_rule.deploy.name
  event_bus_name = aws_cloudwatch_event_bus.deploy.name
  arn            = aws_sqs_queue.this.arn

  dead_letter_config {
    arn = aws_sqs_queue.failed.arn
  }
}

# Kept so that the portal can have everything replayed after it was down for longer than the queue remembers.
resource "aws_cloudwatch_event_archive" "deploy" {
  name             = "${local.id}-deploy"
  event_source_arn = aws_cloudwatch_event_bus.deploy.arn
  retention_days   = 90
}

locals {
  rule_arns = concat([for r in aws_cloudwatch_event_rule.aws : r.arn], [aws_cloudwatch_event_rule.deploy.arn])
}

resource "aws_sqs_queue_policy" "events" {
  for_each = { events = aws_sqs_queue.this, failed = aws_sqs_queue.failed }

  queue_url = each.value.id
  policy = jsonencode({
    Version = "2012-10-17"
    Statement = [
      {
        Sid       = "OnlyTheseRules"
        Effect    = "Allow"
        Principal = { Service = "events.amazonaws.com" }
        Action    = "sqs:SendMessage"
        Resource  = each.value.arn
        Condition = { ArnEquals = { "aws:SourceArn" = local.rule_arns }, StringEquals = { "aws:SourceAccount" = local.account } }
      },
      {
        Sid       = "OverTlsOnly"
        Effect    = "Deny"
        Principal = "*"
        Action    = "sqs:*"
        Resource  = each.value.arn
        Condition = { Bool = { "aws:SecureTransport" = "false" } }
      },
    ]
  })
}

resource "aws_cloudwatch_metric_alarm" "failed" {
  alarm_name          = "${local.id}-events-failed"
  alarm_description   = "Events could not be delivered or read; deployments may be missing from the history."
  namespace           = "AWS/SQS"
  metric_name         = "ApproximateNumberOfMessagesVisible"
  dimensions          = { QueueName = aws_sqs_queue.failed.name }
  statistic           = "Maximum"
  period              = 300
  evaluation_periods  = 1
  comparison_operator = "GreaterThanThreshold"
  threshold           = 0
  treat_missing_data  = "notBreaching"
  alarm_actions       = var.alarm_topic_arns
  tags                = local.tags
}

resource "aws_cloudwatch_metric_alarm" "old" {
  alarm_name          = "${local.id}-events-old"
  alarm_description   = "Nobody reads the events: is the portal's worker running?"
  namespace           = "AWS/SQS"
  metric_name         = "ApproximateAgeOfOldestMessage"
  dimensions          = { QueueName = aws_sqs_queue.this.name }
  statistic           = "Maximum"
  period              = 300
  evaluation_periods  = 2
  comparison_operator = "GreaterThanThreshold"
  threshold           = 900
  treat_missing_data  = "notBreaching"
  alarm_actions       = var.alarm_topic_arns
  tags                = local.tags
}
