# The least that cicd needs, with what stands around it: a network, the two buckets, the repository, the trust in GitLab.
# Try it with: terraform init && terraform plan
provider "aws" {
  region = "eu-west-1"
}

locals {
  who = { name = "shop", environment = "dev", team = "shop" }
}

module "vpc" {
  source      = "../../../vpc"
  name        = local.who.name
  environment = local.who.environment
  team        = local.who.team
  cidr        = "10.20.0.0/16"
  azs         = ["eu-west-1a", "eu-west-1b"]
}

module "buckets" {
  source      = "../../../s3"
  name        = local.who.name
  environment = local.who.environment
  team        = local.who.team
  buckets     = { "acme-shop-source" = { eventbridge = true, force_destroy = true }, "acme-shop-artifacts" = { force_destroy = true } }
}

module "images" {
  source       = "../../../ecr"
  name         = local.who.name
  environment  = local.who.environment
  team         = local.who.team
  repositories = { "shop/checkout" = {} }
}

resource "aws_iam_openid_connect_provider" "gitlab" {
  url             = "https://gitlab.example.org"
  client_id_list  = ["https://gitlab.example.org"]
  thumbprint_list = ["0123456789abcdef0123456789abcdef01234567"]
}

resource "aws_cloudwatch_event_bus" "deploy" {
  name = "shop-dev-deploy"
}

module "cicd" {
  source = "../.."

  name               = local.who.name
  environment        = local.who.environment
  team               = local.who.team
  service            = "checkout"
  repo_path          = "shop/checkout"
  targets            = { dev = { cluster = "shop-dev", namespace = "shop" }, staging = { cluster = "shop-dev", namespace = "shop-staging" }, prod = { cluster = "shop-prod", namespace = "shop" } }
  chart_uri          = "oci://registry.example.org/charts/service"
  chart_version      = "1.0.0"
  source_bucket      = "acme-shop-source"
  artifact_bucket    = "acme-shop-artifacts"
  ecr_repository_arn = module.images.repository_arns["shop/checkout"]
  ecr_repository_url = module.images.repository_urls["shop/checkout"]
  gitlab_oidc_arn    = aws_iam_openid_connect_provider.gitlab.arn
  gitlab_url         = "https://gitlab.example.org"
  deploy_bus_arn     = aws_cloudwatch_event_bus.deploy.arn
  vpc_id             = module.vpc.vpc_id
  subnet_ids         = module.vpc.private_subnet_ids
}
