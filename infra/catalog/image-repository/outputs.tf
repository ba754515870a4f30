output "repository_url" {
  description = "Address to push to and pull from."
  value       = one(values(module.images.repository_urls))
}
