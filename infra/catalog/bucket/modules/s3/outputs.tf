output "bucket_names" {
  description = "Names of the buckets."
  value       = [for b in aws_s3_bucket.this : b.id]
}

output "bucket_arns" {
  description = "ARNs of the buckets, by name."
  value       = { for name, b in aws_s3_bucket.this : name => b.arn }
}

output "kms_key_arn" {
  description = "ARN of the key that encrypts the buckets."
  value       = local.key_arn
}
