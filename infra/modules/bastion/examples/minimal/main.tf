# The least that bastion needs. Try it with: terraform init && terraform plan
provider "aws" {
  region = "eu-west-1"
}

module "vpc" {
  source = "../../../vpc"

  name        = "shop"
  environment = "dev"
  team        = "shop"
  cidr        = "10.20.0.0/16"
  azs         = ["eu-west-1a", "eu-west-1b"]
}

module "bastion" {
  source = "../.."

  name        = "shop"
  environment = "dev"
  team        = "shop"
  vpc_id      = module.vpc.vpc_id
  subnet_id   = module.vpc.private_subnet_ids[0]
  manifests = {
    "store.yaml" = <<-Y
      apiVersion: external-secrets.io/v1
      kind: SecretStore
      metadata: { name: shop, namespace: shop }
      spec: { provider: { aws: { service: SecretsManager, region: eu-west-1 } } }
    Y
  }
}
