# The least that twingate needs. Its token comes from the environment (TWINGATE_API_TOKEN), never from a file.
# Try it with: terraform init && terraform plan
terraform {
  required_providers {
    twingate = {
      source = "twingate/twingate"
    }
  }
}

provider "aws" {
  region = "eu-west-1"
}

provider "twingate" {
  network = "acme"
}

module "vpn" {
  source = "../.."

  name         = "shop"
  environment  = "dev"
  team         = "shop"
  network_name = "acme"
  vpc_id       = "vpc-0123456789abcdef0"
  subnet_ids   = ["subnet-0123456789abcdef0", "subnet-0123456789abcdef1"]
  ami_id       = "ami-0123456789abcdef0"
  kms_key_arn  = "arn:aws:kms:eu-west-1:111122223333:key/11111111-2222-3333-4444-555555555555"
  resources    = { api = { address = "api.dev.example.org", group_ids = ["R3JvdXA6MQ=="] } }
}
