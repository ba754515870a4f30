name           = "shop"
environment    = "dev"
team           = "shop"
vpc_id         = "vpc-1"
subnet_ids     = ["subnet-1", "subnet-2"]
access_entries = { ops = { principal_arn = "arn:aws:iam::111122223333:role/platform-ops", admin = true } }
