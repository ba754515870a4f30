terraform {
  required_version = ">= 1.11, < 2.0"

  required_providers {
    aws = {
      source  = "hashicorp/aws"
      version = ">= 5.95, < 7.0"
    }
  }
}

locals {
  id  = "${var.name}-${var.environment}"
  key = { own_key = false, kms_key_arn = aws_kms_key.environment.arn }
}

data "aws_caller_identity" "current" {}

data "aws_partition" "current" {}

data "aws_region" "current" {}

# One key for the whole environment.
resource "aws_kms_key" "environment" {
  description             = local.id
  enable_key_rotation     = true
  deletion_window_in_days = var.environment == "prod" ? 30 : 7
  tags                    = { "portal:env-id" = var.env_id, "portal:team" = var.team }
  policy = jsonencode({
    Version = "2012-10-17"
    Statement = [
      { Sid = "AccountDecides", Effect = "Allow", Principal = { AWS = "arn:${data.aws_partition.current.partition}:iam::${data.aws_caller_identity.current.account_id}:root" }, Action = "kms:*", Resource = "*" },
      {
        Sid       = "LogsOfThisAccount"
        Effect    = "Allow"
        Principal = { Service = "logs.${data.aws_region.current.id}.amazonaws.com" }
        Action    = ["kms:Encrypt", "kms:Decrypt", "kms:ReEncrypt*", "kms:GenerateDataKey*", "kms:DescribeKey"]
        Resource  = "*"
        Condition = { ArnLike = { "kms:EncryptionContext:aws:logs:arn" = "arn:${data.aws_partition.current.partition}:logs:${data.aws_region.current.id}:${data.aws_caller_identity.current.account_id}:log-group:*" } }
      },
    ]
  })
}

module "network" {
  source = "./modules/vpc"

  name        = var.name
  environment = var.environment
  team        = var.team
  env_id      = var.env_id
  expires_at  = var.expires_at
  own_key     = local.key.own_key
  kms_key_arn = local.key.kms_key_arn
  cidr        = var.cidr
  azs         = var.azs
  nat_mode    = var.nat_mode
}

module "cluster" {
  source = "./modules/eks"

  name               = var.name
  environment        = var.environment
  team               = var.team
  env_id             = var.env_id
  expires_at         = var.expires_at
  own_key            = local.key.own_key
  kms_key_arn        = local.key.kms_key_arn
  kubernetes_version = var.kubernetes_version
  vpc_id             = module.network.vpc_id
  subnet_ids         = module.network.private_subnet_ids
  api_client_sg_ids  = var.api_client_security_groups
  access_entries     = { administrator = { principal_arn = var.administrator_role, admin = true } }
  node_groups = { general = {
    instance_types = [var.nodes.instance_type]
    min            = var.nodes.min
    desired        = var.nodes.desired
    max            = var.nodes.max
  } }
}

module "database" {
  source = "./modules/rds"

  name           = var.name
  environment    = var.environment
  team           = var.team
  env_id         = var.env_id
  expires_at     = var.expires_at
  own_key        = local.key.own_key
  kms_key_arn    = local.key.kms_key_arn
  engine_version = var.engine_version
  instance_class = var.instance_class
  storage_gb     = var.storage_gb
  multi_az       = var.multi_az
  vpc_id         = module.network.vpc_id
  subnet_ids     = module.network.private_subnet_ids
  client_sg_ids  = { nodes = module.cluster.node_security_group_id }
  password_mode  = "rds_managed"
}

module "buckets" {
  source = "./modules/s3"
  count  = length(var.buckets) > 0 ? 1 : 0

  name        = var.name
  environment = var.environment
  team        = var.team
  env_id      = var.env_id
  expires_at  = var.expires_at
  own_key     = local.key.own_key
  kms_key_arn = local.key.kms_key_arn
  buckets     = { for b in var.buckets : b => {} }
}
