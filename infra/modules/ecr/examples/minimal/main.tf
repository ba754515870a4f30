# The least that ecr needs. Try it with: terraform init && terraform plan
provider "aws" {
  region = "eu-west-1"
}

module "ecr" {
  source = "../.."

  name         = "shop"
  environment  = "dev"
  team         = "shop"
  repositories = { "shop/checkout" = {} }
}
