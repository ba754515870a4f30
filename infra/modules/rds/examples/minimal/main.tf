# The least that rds needs. Try it with: terraform init && terraform plan
provider "aws" {
  region = "eu-west-1"
}

variable "secret_arn" {
  description = "Secret whose value is JSON with a field named password. Somebody wrote it before."
  type        = string
}

module "vpc" {
  source = "../../../vpc"

  name        = "shop"
  environment = "dev"
  team        = "shop"
  cidr        = "10.20.0.0/16"
  azs         = ["eu-west-1a", "eu-west-1b"]
}

module "database" {
  source = "../.."

  name        = "shop"
  environment = "dev"
  team        = "shop"
  vpc_id      = module.vpc.vpc_id
  subnet_ids  = module.vpc.private_subnet_ids
  secret_arn  = var.secret_arn
}

output "address" {
  value = module.database.address
}
