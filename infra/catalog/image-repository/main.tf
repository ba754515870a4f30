terraform {
  required_version = ">= 1.11, < 2.0"

  required_providers {
    aws = {
      source  = "hashicorp/aws"
      version = ">= 5.95, < 7.0"
    }
  }
}

module "images" {
  source = "./modules/ecr"

  name         = var.name
  environment  = var.environment
  team         = var.team
  env_id       = var.env_id
  expires_at   = var.expires_at
  repositories = { "${var.team}/${var.service}" = { keep_tagged = var.keep_images } }
}
