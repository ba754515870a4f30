terraform {
  required_version = ">= 1.11, < 2.0"

  required_providers {
    aws = {
      source  = "hashicorp/aws"
      version = ">= 5.95, < 7.0"
    }
    twingate = {
      source  = "twingate/twingate"
      version = "~> 4.3"
    }
  }
}
