# A record per value. A module of the template's own: it is part of the template's version, like every file here.

variable "values" {
  description = "The values to keep, by name."
  type        = any
}

resource "terraform_data" "record" {
  for_each = var.values

  input = each.value
}

output "values" {
  description = "The values, as they are kept."
  value       = { for name, record in terraform_data.record : name => record.output }
}
