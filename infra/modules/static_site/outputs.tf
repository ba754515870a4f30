output "url" {
  description = "Address of the site."
  value       = "https://${var.host}"
}

output "bucket" {
  description = "Name of the bucket to which the site's files are copied."
  value       = aws_s3_bucket.site.id
}

output "distribution_id" {
  description = "Id of the distribution, to have its caches forget replaced files."
  value       = aws_cloudfront_distribution.site.id
}
