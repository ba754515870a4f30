# One value per module that is wrong whatever else is said, all asked for at once: what a plan says then is what a person
# reads. Nothing here is ever made.
provider "aws" {
  region                      = "eu-west-1"
  access_key                  = "none"
  secret_key                  = "none"
  max_retries                 = 1
  skip_credentials_validation = true
  skip_metadata_api_check     = true
  skip_requesting_account_id  = true
}

locals {
  two_subnets = ["subnet-1", "subnet-2"]
  admin       = { ops = { principal_arn = "arn:aws:iam::111122223333:role/platform-ops", admin = true } }
}

module "public" {
  source      = "../../modules/vpc"
  name        = "shop"
  environment = "dev"
  team        = "shop"
  azs         = ["eu-west-1a", "eu-west-1b"]
  cidr        = "8.8.0.0/16"
}

module "one_zone" {
  source      = "../../modules/vpc"
  name        = "shop"
  environment = "dev"
  team        = "shop"
  azs         = ["eu-west-1a"]
  cidr        = "10.20.0.0/16"
}

module "version" {
  source             = "../../modules/eks"
  name               = "shop"
  environment        = "dev"
  team               = "shop"
  vpc_id             = "vpc-1"
  subnet_ids         = local.two_subnets
  access_entries     = local.admin
  kubernetes_version = "9.99"
}

module "min_above_max" {
  source         = "../../modules/eks"
  name           = "shop"
  environment    = "dev"
  team           = "shop"
  vpc_id         = "vpc-1"
  subnet_ids     = local.two_subnets
  access_entries = local.admin
  node_groups    = { general = { min = 5, desired = 3, max = 2 } }
}

module "class" {
  source         = "../../modules/rds"
  name           = "shop"
  environment    = "dev"
  team           = "shop"
  vpc_id         = "vpc-1"
  subnet_ids     = local.two_subnets
  password_mode  = "rds_managed"
  instance_class = "db.x2g.16xlarge"
}

module "bucket_name" {
  source      = "../../modules/s3"
  name        = "shop"
  environment = "dev"
  team        = "shop"
  buckets     = { "Shop_Files" = {} }
}

module "manifests" {
  source      = "../../modules/bastion"
  name        = "shop"
  environment = "dev"
  team        = "shop"
  vpc_id      = "vpc-1"
  subnet_id   = "subnet-1"
  manifests   = { "big.yaml" = "kind: SecretStore\nmetadata: { name: ${join("", [for i in range(1000) : "0123456789abcdef"])} }" }
}
