# A team's whole environment from an empty account, in the order in which things need each other: one key, the network,
# buckets, images, DNS, the database (open to the application's group only) and the events that the portal reads.
# The cluster is left out unless with_cluster is set: it takes a quarter of an hour and costs most of the money.
provider "aws" {
  region = "eu-west-1"
}

variable "secret_arn" {
  description = "Secret whose value is JSON with a field named password; written before by somebody, never by Terraform."
  type        = string
}

variable "with_cluster" {
  description = "Whether to make the Kubernetes cluster too."
  type        = bool
  default     = false
}

variable "cidr" {
  description = "Address range of the network."
  type        = string
  default     = "10.20.0.0/16"
}

locals {
  who = {
    name        = "shop"
    environment = "dev"
    team        = "shop"
    env_id      = "0f9d2c1e-5b7a-4c39-9a57-1d5a4c2e7b10"
    expires_at  = "2027-01-31T18:00:00Z"
  }
}

data "aws_caller_identity" "current" {}

# One key for the environment, handed to every module.
resource "aws_kms_key" "environment" {
  description         = "shop-dev"
  enable_key_rotation = true
  policy = jsonencode({
    Version = "2012-10-17"
    Statement = [
      { Sid = "AccountDecides", Effect = "Allow", Principal = { AWS = "arn:aws:iam::${data.aws_caller_identity.current.account_id}:root" }, Action = "kms:*", Resource = "*" },
      {
        Sid       = "ServicesOfThisAccount", Effect = "Allow", Resource = "*"
        Principal = { Service = ["logs.eu-west-1.amazonaws.com", "events.amazonaws.com", "sqs.amazonaws.com"] }
        Action    = ["kms:Encrypt", "kms:Decrypt", "kms:ReEncrypt*", "kms:GenerateDataKey*", "kms:DescribeKey"]
      },
    ]
  })
}

module "vpc" {
  source = "../../modules/vpc"

  name        = local.who.name
  environment = local.who.environment
  team        = local.who.team
  env_id      = local.who.env_id
  expires_at  = local.who.expires_at
  own_key     = false
  kms_key_arn = aws_kms_key.environment.arn
  cidr        = var.cidr
  azs         = ["eu-west-1a", "eu-west-1b"]
}

module "buckets" {
  source = "../../modules/s3"

  name        = local.who.name
  environment = local.who.environment
  team        = local.who.team
  env_id      = local.who.env_id
  expires_at  = local.who.expires_at
  own_key     = false
  kms_key_arn = aws_kms_key.environment.arn
  buckets = {
    "shop-dev-uploads-${data.aws_caller_identity.current.account_id}" = {}
    "shop-dev-source-${data.aws_caller_identity.current.account_id}"  = { eventbridge = true, noncurrent_days = 30 }
  }
}

module "images" {
  source = "../../modules/ecr"

  name         = local.who.name
  environment  = local.who.environment
  team         = local.who.team
  env_id       = local.who.env_id
  own_key      = false
  kms_key_arn  = aws_kms_key.environment.arn
  repositories = { "shop/checkout" = {}, "shop/catalogue" = { keep_tagged = 100 } }
}

module "dns" {
  source = "../../modules/route53"

  name        = local.who.name
  environment = local.who.environment
  team        = local.who.team
  env_id      = local.who.env_id
  zone_name   = "dev.shop.example.org"
}

# Whoever is in this group may reach the database; pods get it through the cluster.
resource "aws_security_group" "application" {
  name        = "shop-dev-application"
  description = "The application's pods"
  vpc_id      = module.vpc.vpc_id
}

module "database" {
  source = "../../modules/rds"

  name          = local.who.name
  environment   = local.who.environment
  team          = local.who.team
  env_id        = local.who.env_id
  expires_at    = local.who.expires_at
  own_key       = false
  kms_key_arn   = aws_kms_key.environment.arn
  vpc_id        = module.vpc.vpc_id
  subnet_ids    = module.vpc.private_subnet_ids
  client_sg_ids = merge({ application = aws_security_group.application.id }, { for i, c in module.cluster : "nodes" => c.node_security_group_id })
  secret_arn    = var.secret_arn
}

module "events" {
  source = "../../modules/events"

  name        = local.who.name
  environment = local.who.environment
  team        = local.who.team
  env_id      = local.who.env_id
  own_key     = false
  kms_key_arn = aws_kms_key.environment.arn
}

module "access" {
  source = "../../modules/access"
  count  = var.with_cluster ? 1 : 0

  name              = local.who.name
  environment       = local.who.environment
  team              = local.who.team
  teams             = { shop = { namespaces = ["shop"] } }
  trusted_principal = "arn:aws:iam::${data.aws_caller_identity.current.account_id}:saml-provider/google"
  worker_role_arn   = "arn:aws:iam::${data.aws_caller_identity.current.account_id}:role/platform/slipway-worker"
  boundary_arn      = "arn:aws:iam::${data.aws_caller_identity.current.account_id}:policy/platform-boundary"
  state_bucket      = "acme-terraform-state"
}

module "cluster" {
  source = "../../modules/eks"
  count  = var.with_cluster ? 1 : 0

  name           = local.who.name
  environment    = local.who.environment
  team           = local.who.team
  env_id         = local.who.env_id
  own_key        = false
  kms_key_arn    = aws_kms_key.environment.arn
  vpc_id         = module.vpc.vpc_id
  subnet_ids     = module.vpc.private_subnet_ids
  access_entries = module.access[0].access_entries
}

output "database_address" {
  description = "Host name of the database."
  value       = module.database.address
}

output "private_subnet_ids" {
  description = "Private subnets of the network."
  value       = module.vpc.private_subnet_ids
}
