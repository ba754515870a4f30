output "bucket" {
  description = "Name of the bucket."
  value       = module.bucket.bucket_names[0]
}

output "bucket_arn" {
  description = "ARN of the bucket, for the roles that may use it."
  value       = module.bucket.bucket_arns[var.bucket_name]
}
