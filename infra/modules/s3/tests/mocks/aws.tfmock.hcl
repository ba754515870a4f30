# What AWS would fill in, in a form that the provider's own checks accept. Copied by infra/lab/sync.py.
mock_data "aws_caller_identity" {
  defaults = { account_id = "111122223333" }
}

mock_data "aws_partition" {
  defaults = { partition = "aws" }
}

mock_data "aws_region" {
  defaults = { id = "eu-west-1" }
}

mock_resource "aws_cloudwatch_log_group" {
  defaults = { arn = "arn:aws:logs:eu-west-1:111122223333:log-group:/platform/mock" }
}

mock_resource "aws_iam_role" {
  defaults = { arn = "arn:aws:iam::111122223333:role/mock" }
}

mock_resource "aws_iam_policy" {
  defaults = { arn = "arn:aws:iam::111122223333:policy/mock" }
}

mock_resource "aws_kms_key" {
  defaults = { arn = "arn:aws:kms:eu-west-1:111122223333:key/11111111-2222-3333-4444-555555555555" }
}

mock_resource "aws_s3_bucket" {
  defaults = { arn = "arn:aws:s3:::mock" }
}

mock_resource "aws_sqs_queue" {
  defaults = { arn = "arn:aws:sqs:eu-west-1:111122223333:mock" }
}

mock_resource "aws_cloudwatch_event_rule" {
  defaults = { arn = "arn:aws:events:eu-west-1:111122223333:rule/mock" }
}

mock_resource "aws_cloudwatch_event_bus" {
  defaults = { arn = "arn:aws:events:eu-west-1:111122223333:event-bus/mock" }
}

mock_resource "aws_sns_topic" {
  defaults = { arn = "arn:aws:sns:eu-west-1:111122223333:mock" }
}

mock_resource "aws_eks_cluster" {
  defaults = { arn = "arn:aws:eks:eu-west-1:111122223333:cluster/mock" }
}

mock_resource "aws_secretsmanager_secret" {
  defaults = { arn = "arn:aws:secretsmanager:eu-west-1:111122223333:secret:mock" }
}

mock_resource "aws_codepipeline" {
  defaults = { arn = "arn:aws:codepipeline:eu-west-1:111122223333:mock" }
}

mock_resource "aws_codebuild_project" {
  defaults = { arn = "arn:aws:codebuild:eu-west-1:111122223333:project/mock" }
}

mock_resource "aws_acm_certificate" {
  defaults = { arn = "arn:aws:acm:eu-west-1:111122223333:certificate/11111111-2222-3333-4444-555555555555" }
}

mock_resource "aws_cloudfront_distribution" {
  defaults = { arn = "arn:aws:cloudfront::111122223333:distribution/MOCK" }
}

mock_resource "aws_iam_openid_connect_provider" {
  defaults = { arn = "arn:aws:iam::111122223333:oidc-provider/mock" }
}

mock_resource "aws_security_group" {
  defaults = { arn = "arn:aws:ec2:eu-west-1:111122223333:security-group/sg-0123456789abcdef0" }
}

mock_resource "aws_iam_instance_profile" {
  defaults = { arn = "arn:aws:iam::111122223333:instance-profile/mock" }
}

mock_resource "aws_db_instance" {
  defaults = { arn = "arn:aws:rds:eu-west-1:111122223333:db:mock" }
}

mock_resource "aws_ecr_repository" {
  defaults = { arn = "arn:aws:ecr:eu-west-1:111122223333:repository/mock" }
}

mock_resource "aws_ssoadmin_permission_set" {
  defaults = { arn = "arn:aws:sso:::permissionSet/ssoins-1111222233334444/ps-1111222233334444" }
}

mock_resource "aws_launch_template" {
  defaults = { id = "lt-0123456789abcdef0" }
}
