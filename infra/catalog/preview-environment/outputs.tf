output "url" {
  description = "Address of the preview."
  value       = "https://${var.host}"
}

output "namespace" {
  description = "Namespace of the preview."
  value       = helm_release.namespace.name
}
