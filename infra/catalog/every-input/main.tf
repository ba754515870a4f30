# Keeps every input in a record of its own, so that a change of one is an update of one.

terraform {
  required_version = ">= 1.9"
}

module "plain" {
  source = "./modules/record"

  values = {
    title    = var.title
    size     = var.size
    replicas = var.replicas
    ratio    = var.ratio
    public   = var.public
    note     = var.note
    digest   = var.digest
  }
}

module "collections" {
  source = "./modules/record"

  values = {
    zones            = var.zones
    allowed_networks = var.allowed_networks
    labels           = var.labels
    window           = var.window
  }
}

module "groups" {
  source = "./modules/record"

  values = {
    database = var.database
    services = var.services
    extra    = var.extra
  }
}

resource "terraform_data" "secret" {
  input = {
    password  = var.password
    api_token = var.api_token
  }
}
