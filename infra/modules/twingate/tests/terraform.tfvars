name         = "shop"
environment  = "dev"
team         = "shop"
network_name = "acme"
vpc_id       = "vpc-1"
subnet_ids   = ["subnet-1", "subnet-2"]
ami_id       = "ami-0123456789abcdef0"
kms_key_arn  = "arn:aws:kms:eu-west-1:111122223333:key/11111111-2222-3333-4444-555555555555"
resources    = { api = { address = "api.dev.example.org", group_ids = ["g1", "g2"] } }
