# The least that events needs. Try it with: terraform init && terraform plan
provider "aws" {
  region = "eu-west-1"
}

module "events" {
  source = "../.."

  name        = "shop"
  environment = "dev"
  team        = "shop"
}
