name        = "shop"
environment = "dev"
team        = "shop"
