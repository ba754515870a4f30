terraform {
  required_version = ">= 1.9"
}

variable "entry" {
  type        = string
  default     = "first"
  description = "What is written into the ledger."
}

resource "terraform_data" "entry" {
  input = var.entry
}

output "entry" {
  description = "What stands in the ledger."
  value       = terraform_data.entry.output
}
