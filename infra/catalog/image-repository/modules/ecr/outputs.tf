output "repository_urls" {
  description = "Addresses to push to and pull from, by repository."
  value       = { for name, r in aws_ecr_repository.this : name => r.repository_url }
}

output "repository_arns" {
  description = "ARNs of the repositories, by name."
  value       = { for name, r in aws_ecr_repository.this : name => r.arn }
}

output "kms_key_arn" {
  description = "ARN of the key that encrypts the images."
  value       = local.key_arn
}
