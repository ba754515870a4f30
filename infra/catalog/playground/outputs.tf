output "steps" {
  description = "How many steps were made."
  value       = var.steps
}

output "label" {
  description = "The label that every step keeps."
  value       = var.label
}
