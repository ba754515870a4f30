# The least that eks needs. Try it with: terraform init && terraform plan
provider "aws" {
  region = "eu-west-1"
}

module "vpc" {
  source = "../../../vpc"

  name        = "shop"
  environment = "dev"
  team        = "shop"
  cidr        = "10.20.0.0/16"
  azs         = ["eu-west-1a", "eu-west-1b"]
}

resource "aws_iam_role" "ops" {
  name               = "platform-ops"
  assume_role_policy = jsonencode({ Version = "2012-10-17", Statement = [{ Effect = "Allow", Action = "sts:AssumeRole", Principal = { AWS = "*" }, Condition = { StringEquals = { "aws:PrincipalTag/team" = "platform" } } }] })
}

module "eks" {
  source = "../.."

  name           = "shop"
  environment    = "dev"
  team           = "shop"
  vpc_id         = module.vpc.vpc_id
  subnet_ids     = module.vpc.private_subnet_ids
  access_entries = { ops = { principal_arn = aws_iam_role.ops.arn, admin = true } }
  pod_identities = { worker = { namespace = "slipway", service_account = "slipway-worker", role_arn = aws_iam_role.ops.arn } }
}
