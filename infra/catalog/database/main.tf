terraform {
  required_version = ">= 1.11, < 2.0"

  required_providers {
    aws = {
      source  = "hashicorp/aws"
      version = ">= 5.95, < 7.0"
    }
  }
}

module "database" {
  source = "./modules/rds"

  name           = var.name
  environment    = var.environment
  team           = var.team
  env_id         = var.env_id
  expires_at     = var.expires_at
  engine_version = var.engine_version
  instance_class = var.instance_class
  storage_gb     = var.storage_gb
  multi_az       = var.multi_az
  vpc_id         = var.vpc_id
  subnet_ids     = var.subnet_ids
  client_sg_ids  = { clients = var.client_security_group }
  # RDS makes and rotates the password: nobody has to know it, not even while it is made.
  password_mode = "rds_managed"
}
