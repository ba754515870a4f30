name         = "shop"
environment  = "dev"
team         = "shop"
repositories = { "shop/checkout" = {} }
