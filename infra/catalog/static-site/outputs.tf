output "url" {
  description = "Address of the site."
  value       = module.site.url
}

output "bucket" {
  description = "Bucket to which the files are copied."
  value       = module.site.bucket
}

output "distribution_id" {
  description = "Distribution whose caches forget replaced files."
  value       = module.site.distribution_id
}
