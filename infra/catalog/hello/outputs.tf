output "greeting" {
  description = "The greeting."
  value       = terraform_data.greeting.output
}

output "copies" {
  description = "The copies, in order."
  value       = [for copy in terraform_data.copy : "${copy.output.number}. ${copy.output.text}"]
}
