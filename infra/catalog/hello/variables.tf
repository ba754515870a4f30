variable "who" {
  type        = string
  default     = "world"
  description = "Whom to greet."

  validation {
    condition     = length(trimspace(var.who)) > 0 && length(var.who) <= 40
    error_message = "Give a name of 1 to 40 characters."
  }
}

variable "language" {
  type        = string
  default     = "English"
  description = "The language of the greeting. Change it later and watch the update in place."

  validation {
    condition     = contains(["English", "Deutsch", "Français", "Español", "日本語"], var.language)
    error_message = "Choose one of the languages that are offered."
  }
}

variable "copies" {
  type        = number
  default     = 2
  description = "How many copies to keep, from 1 to 10. Each is a resource of its own in the plan."

  validation {
    condition     = var.copies >= 1 && var.copies <= 10 && floor(var.copies) == var.copies
    error_message = "Keep 1 to 10 copies."
  }
}
