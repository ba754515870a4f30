output "state_bucket" {
  description = "Name of the bucket for state."
  value       = aws_s3_bucket.state.id
}

output "backend_config" {
  description = "Backend configuration of every later root; only the key differs. Locks are objects beside the state."
  value = {
    bucket       = aws_s3_bucket.state.id
    region       = local.region
    encrypt      = true
    kms_key_id   = local.key_arn
    use_lockfile = true
  }
}

output "gitlab_oidc_arn" {
  description = "ARN of the trust in GitLab, for the upload roles of cicd."
  value       = aws_iam_openid_connect_provider.gitlab.arn
}

output "boundary_arn" {
  description = "ARN of the limit that every later role carries."
  value       = aws_iam_policy.boundary.arn
}

output "kms_key_arn" {
  description = "ARN of the key that encrypts the state."
  value       = local.key_arn
}
