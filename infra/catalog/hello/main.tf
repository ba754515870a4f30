# Real resources that need no provider and no cloud: Terraform keeps `terraform_data` in its state and nowhere else.

terraform {
  required_version = ">= 1.9"
}

locals {
  words = {
    "English"  = "Hello"
    "Deutsch"  = "Guten Tag"
    "Français" = "Bonjour"
    "Español"  = "Hola"
    "日本語"      = "こんにちは"
  }
}

resource "terraform_data" "greeting" {
  input = "${local.words[var.language]}, ${var.who}!"
}

resource "terraform_data" "copy" {
  count = var.copies

  input = {
    number = count.index + 1
    text   = terraform_data.greeting.output
  }
}
