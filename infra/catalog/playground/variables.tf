variable "steps" {
  type        = number
  default     = 3
  description = "How many steps there are, one after the other."

  validation {
    condition     = var.steps >= 0 && var.steps <= 10 && floor(var.steps) == var.steps
    error_message = "Between 0 and 10 steps."
  }
}

variable "width" {
  type        = number
  default     = 1
  description = "How many resources each step makes, side by side."

  validation {
    condition     = var.width >= 1 && var.width <= 200 && floor(var.width) == var.width
    error_message = "Between 1 and 200 resources."
  }
}

variable "seconds" {
  type        = number
  default     = 1
  description = "How long each step takes, in seconds."

  validation {
    condition     = var.seconds >= 0 && var.seconds <= 3600 && floor(var.seconds) == var.seconds
    error_message = "Between 0 and 3600 seconds, without a fraction."
  }
}

variable "lines" {
  type        = number
  default     = 3
  description = "How many lines each step logs."

  validation {
    condition     = var.lines >= 0 && var.lines <= 1000000 && floor(var.lines) == var.lines
    error_message = "Between 0 and 1000000 lines."
  }
}

variable "fail_at" {
  type        = number
  default     = 0
  description = "The number of the step that fails; 0 = none."

  validation {
    condition     = var.fail_at >= 0 && var.fail_at <= 10
    error_message = "The number of a step, or 0."
  }
}

variable "fail_how" {
  type        = string
  default     = "error"
  description = "How it fails: it ends with an error after its work; it never ends; it ignores being interrupted; or it is refused while planning."

  validation {
    condition     = contains(["error", "hang", "stubborn", "plan"], var.fail_how)
    error_message = "Choose error, hang, stubborn or plan."
  }
}

variable "fail_when" {
  type        = string
  default     = "create"
  description = "Whether it fails while it is made or while it is destroyed."

  validation {
    condition     = contains(["create", "destroy"], var.fail_when)
    error_message = "Choose create or destroy."
  }
}

variable "label" {
  type        = string
  default     = "first"
  description = "Kept by every step: change it to update them all in place."
}

variable "replace" {
  type        = string
  default     = ""
  description = "Change it to replace every step: each is destroyed and made anew."
}

variable "keeps_data" {
  type        = bool
  default     = false
  description = "Adds a resource that stands for a database, with something in it."
}
