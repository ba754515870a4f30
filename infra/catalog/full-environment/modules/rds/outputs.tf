output "address" {
  description = "Host name of the database."
  value       = aws_db_instance.this.address
}

output "port" {
  description = "Port of the database."
  value       = aws_db_instance.this.port
}

output "database_name" {
  description = "Name of the first database."
  value       = aws_db_instance.this.db_name
}

output "secret_arn" {
  description = "ARN of the secret with the master password; never its value."
  value       = local.from_secret ? var.secret_arn : one(aws_db_instance.this.master_user_secret[*].secret_arn)
}

output "security_group_id" {
  description = "Security group of the database."
  value       = aws_security_group.this.id
}
