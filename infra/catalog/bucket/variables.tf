variable "name" {
  description = "Short name of what you ask for; part of the name of every resource."
  type        = string

  validation {
    condition     = can(regex("^[a-z][a-z0-9-]{1,28}$", var.name))
    error_message = "The name must begin with a lower-case letter and have 2 to 29 lower-case letters, digits or hyphens."
  }
}

variable "environment" {
  description = "What kind of environment: dev, staging or prod. Production is held to stricter rules."
  type        = string
  default     = "dev"

  validation {
    condition     = contains(["dev", "staging", "prod"], var.environment)
    error_message = "The environment must be one of dev, staging, prod."
  }
}

variable "team" {
  description = "Your team."
  type        = string

  validation {
    condition     = can(regex("^[a-z][a-z0-9-]{1,38}$", var.team))
    error_message = "The team must begin with a lower-case letter and have 2 to 39 lower-case letters, digits or hyphens."
  }
}

variable "env_id" {
  description = "The portal's id of the environment; the portal fills it in."
  type        = string
  default     = "00000000-0000-0000-0000-000000000000"
}

variable "expires_at" {
  description = "When the environment ends; the portal fills it in."
  type        = string
  default     = null
}

variable "bucket_name" {
  description = "Full name of the bucket; unique in the world, for example acme-shop-uploads."
  type        = string

  validation {
    condition     = can(regex("^[a-z0-9][a-z0-9-]{1,61}[a-z0-9]$", var.bucket_name))
    error_message = "The bucket's name must have 3 to 63 lower-case letters, digits or hyphens, and begin and end with a letter or digit."
  }
}

variable "announce_changes" {
  description = "Whether changes in the bucket are announced (EventBridge), so that something can react to them."
  type        = bool
  default     = false
}

variable "keep_days" {
  description = "Days that replaced versions of a file are kept."
  type        = number
  default     = 90

  validation {
    condition     = var.keep_days >= 1 && var.keep_days <= 3650
    error_message = "Versions must be kept for 1 to 3650 days."
  }
}
