name        = "shop"
environment = "dev"
team        = "shop"
zone_name   = "shop.example.org"
