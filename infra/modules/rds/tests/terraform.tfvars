name          = "shop"
environment   = "dev"
team          = "shop"
vpc_id        = "vpc-1"
subnet_ids    = ["subnet-1", "subnet-2"]
password_mode = "rds_managed"
