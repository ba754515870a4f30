# Values that are wrong only beside others. A plan looks at these when nothing is wrong by itself, so they are asked for apart.
provider "aws" {
  region                      = "eu-west-1"
  access_key                  = "none"
  secret_key                  = "none"
  max_retries                 = 1
  skip_credentials_validation = true
  skip_metadata_api_check     = true
  skip_requesting_account_id  = true
}

module "overlap" {
  source      = "../../modules/vpc"
  name        = "shop"
  environment = "dev"
  team        = "shop"
  azs         = ["eu-west-1a", "eu-west-1b"]
  cidr        = "10.20.16.0/20"
  taken_cidrs = ["10.20.0.0/16"]
}

module "one_zone_in_production" {
  source        = "../../modules/rds"
  name          = "shop"
  environment   = "prod"
  team          = "shop"
  vpc_id        = "vpc-1"
  subnet_ids    = ["subnet-1", "subnet-2"]
  password_mode = "rds_managed"
  multi_az      = false
}

module "force_destroy" {
  source      = "../../modules/s3"
  name        = "shop"
  environment = "prod"
  team        = "shop"
  buckets     = { "shop-files" = { force_destroy = true } }
}
