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

variable "service" {
  description = "Service whose images are kept, for example checkout."
  type        = string

  validation {
    condition     = can(regex("^[a-z][a-z0-9-]{1,60}$", var.service))
    error_message = "The service must begin with a lower-case letter and have lower-case letters, digits or hyphens only."
  }
}

variable "keep_images" {
  description = "How many released images are kept to roll back to."
  type        = number
  default     = 50

  validation {
    condition     = var.keep_images >= 20 && var.keep_images <= 1000
    error_message = "Keep 20 to 1000 images: with fewer, the one to roll back to may be gone."
  }
}
