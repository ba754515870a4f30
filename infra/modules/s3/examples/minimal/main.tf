# The least that s3 needs. Try it with: terraform init && terraform plan
provider "aws" {
  region = "eu-west-1"
}

module "s3" {
  source = "../.."

  name        = "shop"
  environment = "dev"
  team        = "shop"
  buckets     = { "shop-dev-files" = { eventbridge = true } }
}
