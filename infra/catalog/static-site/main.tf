terraform {
  required_version = ">= 1.11, < 2.0"

  required_providers {
    aws = {
      source  = "hashicorp/aws"
      version = ">= 5.95, < 7.0"
    }
  }
}

module "site" {
  source = "./modules/static_site"

  name            = var.name
  environment     = var.environment
  team            = var.team
  env_id          = var.env_id
  expires_at      = var.expires_at
  host            = var.host
  zone_id         = var.zone_id
  certificate_arn = var.certificate_arn
  single_page     = var.single_page
}
