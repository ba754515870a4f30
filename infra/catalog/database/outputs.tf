output "address" {
  description = "Host name of the database."
  value       = module.database.address
}

output "secret_arn" {
  description = "ARN of the secret with the password; never its value."
  value       = module.database.secret_arn
}
