output "title" {
  description = "The title, as it was entered."
  value       = module.plain.values.title
}

output "plain" {
  description = "The plain values."
  value       = module.plain.values
}

output "collections" {
  description = "The collections."
  value       = module.collections.values
}

output "groups" {
  description = "The groups, with the defaults of what was left out."
  value       = module.groups.values
}

output "password_length" {
  description = "How long the secret is: all that may be known about it."
  value       = nonsensitive(length(var.password))
}

output "secrets" {
  description = "The secrets themselves."
  sensitive   = true
  value       = terraform_data.secret.output
}
