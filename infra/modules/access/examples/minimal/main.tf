# The least that access needs. Try it with: terraform init && terraform plan
provider "aws" {
  region = "eu-west-1"
}

module "access" {
  source = "../.."

  name              = "shop"
  environment       = "dev"
  team              = "shop"
  teams             = { shop = { namespaces = ["shop"] }, data = { namespaces = ["data"] } }
  trusted_principal = "arn:aws:iam::123456789012:saml-provider/google"
  worker_role_arn   = "arn:aws:iam::123456789012:role/platform/slipway-worker"
  boundary_arn      = "arn:aws:iam::123456789012:policy/platform-boundary"
  state_bucket      = "acme-terraform-state-123456789012"
}
