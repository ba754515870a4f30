terraform {
  required_version = ">= 1.11, < 2.0"

  required_providers {
    aws = {
      source  = "hashicorp/aws"
      version = ">= 5.95, < 7.0"
    }
  }
}

module "bucket" {
  source = "./modules/s3"

  name        = var.name
  environment = var.environment
  team        = var.team
  env_id      = var.env_id
  expires_at  = var.expires_at
  buckets     = { (var.bucket_name) = { eventbridge = var.announce_changes, noncurrent_days = var.keep_days } }
}
