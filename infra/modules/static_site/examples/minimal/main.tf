# The least that static_site needs. Try it with: terraform init && terraform plan
provider "aws" {
  region = "eu-west-1"
}

provider "aws" {
  alias  = "virginia"
  region = "us-east-1"
}

module "zone" {
  source = "../../../route53"

  name        = "shop"
  environment = "dev"
  team        = "shop"
  zone_name   = "example.org"
}

# CloudFront reads certificates in us-east-1 only, so this one is asked for there.
resource "aws_acm_certificate" "site" {
  provider          = aws.virginia
  domain_name       = "docs.example.org"
  validation_method = "DNS"
}

module "site" {
  source = "../.."

  name            = "shop"
  environment     = "dev"
  team            = "shop"
  host            = "docs.example.org"
  zone_id         = module.zone.zone_id
  certificate_arn = aws_acm_certificate.site.arn
}
