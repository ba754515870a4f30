name        = "shop"
environment = "dev"
team        = "shop"
buckets     = { "shop-dev-files" = {} }
