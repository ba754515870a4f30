variable "name" {
  description = "Short name of what you ask for; part of the name of every resource."
  type        = string

  validation {
    condition     = can(regex("^[a-z][a-z0-9-]{1,28}$", var.name))
    error_message = "The name must begin with a lower-case letter and have 2 to 29 lower-case letters, digits or hyphens."
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
  description = "Service to show."
  type        = string

  validation {
    condition     = can(regex("^[a-z][a-z0-9-]{1,28}$", var.service))
    error_message = "The service must begin with a lower-case letter and have 2 to 29 lower-case letters, digits or hyphens."
  }
}

variable "image_repository" {
  description = "Repository of the service's images."
  type        = string

  validation {
    condition     = !strcontains(var.image_repository, "@") && !can(regex(":[^/]+$", var.image_repository))
    error_message = "Give the repository without a tag or digest."
  }
}

variable "image_digest" {
  description = "Digest of the image to run, sha256:…"
  type        = string

  validation {
    condition     = can(regex("^sha256:[0-9a-f]{64}$", var.image_digest))
    error_message = "The image must be given by digest (sha256: and 64 characters); a tag can be moved."
  }
}

variable "size" {
  description = "How much it may use: S, M or L."
  type        = string
  default     = "S"

  validation {
    condition     = contains(["S", "M", "L"], var.size)
    error_message = "The size must be S, M or L."
  }
}

variable "host" {
  description = "Name under which it is reached, for example checkout-42.preview.example.org."
  type        = string

  validation {
    condition     = can(regex("^([a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?\\.)+[a-z]{2,63}$", var.host))
    error_message = "The host must be a full domain name in lower case."
  }
}

variable "database_secret" {
  description = "Secret in Secrets Manager with the address of the shared preview database (field url); empty for none."
  type        = string
  default     = ""
}

variable "migrate_command" {
  description = "Command that makes and migrates the preview's own schema, named by the variable DATABASE_SCHEMA; empty for none."
  type        = list(string)
  default     = []
}

variable "chart_registry" {
  description = "Registry of the platform's charts, oci://…"
  type        = string

  validation {
    condition     = startswith(var.chart_registry, "oci://")
    error_message = "The charts must come from a registry: an address that begins with oci://."
  }
}

variable "chart_version" {
  description = "Version of the charts."
  type        = string
  default     = "1.0.0"

  validation {
    condition     = can(regex("^[0-9]+\\.[0-9]+\\.[0-9]+$", var.chart_version))
    error_message = "The version must be exact, such as 1.0.0."
  }
}
