# The inputs and tags that every module shares. This file is written in infra/modules/shared and copied by
# infra/lab/sync.py: change it there, or the check that the copies are equal fails.

variable "name" {
  description = "Short name of what is built; part of the name of every resource."
  type        = string

  validation {
    condition     = can(regex("^[a-z][a-z0-9-]{1,28}$", var.name))
    error_message = "The name must begin with a lower-case letter and have 2 to 29 lower-case letters, digits or hyphens."
  }
}

variable "environment" {
  description = "What kind of environment this is: dev, staging, prod or preview. Production is held to stricter rules."
  type        = string

  validation {
    condition     = contains(["dev", "staging", "prod", "preview"], var.environment)
    error_message = "The environment must be one of dev, staging, prod, preview."
  }
}

variable "team" {
  description = "Team that owns the resources and is shown their cost."
  type        = string

  validation {
    condition     = can(regex("^[a-z][a-z0-9-]{1,38}$", var.team))
    error_message = "The team must begin with a lower-case letter and have 2 to 39 lower-case letters, digits or hyphens."
  }
}

variable "env_id" {
  description = "The portal's id of the environment (a UUID). The portal fills it in."
  type        = string
  default     = "00000000-0000-0000-0000-000000000000"

  validation {
    condition     = can(regex("^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$", var.env_id))
    error_message = "The environment id must be a UUID in lower case."
  }
}

variable "expires_at" {
  description = "When the environment ends, as RFC 3339, for example 2027-01-31T18:00:00Z; null when it has no end."
  type        = string
  default     = null

  validation {
    condition     = var.expires_at == null || can(formatdate("YYYY", var.expires_at))
    error_message = "The end must be a time such as 2027-01-31T18:00:00Z."
  }
}

variable "tags" {
  description = "Further tags for every resource. Tags that begin with portal: belong to the portal."
  type        = map(string)
  default     = {}

  validation {
    condition     = alltrue([for k in keys(var.tags) : !startswith(k, "portal:") && !startswith(k, "aws:")])
    error_message = "Tags must not begin with portal: or aws:, which are set by the portal and by AWS."
  }
}

locals {
  id = "${var.name}-${var.environment}"
  tags = merge(
    var.tags,
    {
      "portal:env-id"      = var.env_id
      "portal:team"        = var.team
      "portal:environment" = var.environment
    },
    var.expires_at == null ? {} : { "portal:expires-at" = var.expires_at },
  )
}
