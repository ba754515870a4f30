# The least that vpc needs. Try it with: terraform init && terraform plan
provider "aws" {
  region = "eu-west-1"
}

module "vpc" {
  source = "../.."

  name        = "shop"
  environment = "dev"
  team        = "shop"
  cidr        = "10.20.0.0/16"
  azs         = ["eu-west-1a", "eu-west-1b"]
}
