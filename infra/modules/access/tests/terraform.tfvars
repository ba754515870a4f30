name              = "shop"
environment       = "dev"
team              = "shop"
teams             = { shop = { namespaces = ["shop", "shop-staging"] }, data = { namespaces = ["data"] } }
trusted_principal = "arn:aws:iam::111122223333:saml-provider/google"
worker_role_arn   = "arn:aws:iam::111122223333:role/platform/slipway-worker"
boundary_arn      = "arn:aws:iam::111122223333:policy/platform-boundary"
state_bucket      = "acme-terraform-state-111122223333"
