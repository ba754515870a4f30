# The least that route53 needs. Try it with: terraform init && terraform plan
provider "aws" {
  region = "eu-west-1"
}

module "route53" {
  source = "../.."

  name        = "shop"
  environment = "dev"
  team        = "shop"
  zone_name   = "shop.example.org"
  records     = { www = { type = "A", values = ["192.0.2.1"] } }
  certificate = true
}
