# The least that bootstrap needs. Try it with: terraform init && terraform plan
provider "aws" {
  region = "eu-west-1"
}

module "bootstrap" {
  source = "../.."

  name        = "shop"
  environment = "dev"
  team        = "shop"
  org         = "acme"
  gitlab_url  = "https://gitlab.example.org"
}
