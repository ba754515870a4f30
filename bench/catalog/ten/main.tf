terraform {
  required_version = ">= 1.9"
}

resource "terraform_data" "one_of" {
  count = 10
  input = "${var.word} ${count.index}"
}

output "words" {
  description = "What the ten resources hold."
  value       = terraform_data.one_of[*].output
}
