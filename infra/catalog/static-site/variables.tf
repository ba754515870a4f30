variable "name" {
  description = "Short name of what you ask for; part of the name of every resource."
  type        = string

  validation {
    condition     = can(regex("^[a-z][a-z0-9-]{1,28}$", var.name))
    error_message = "The name must begin with a lower-case letter and have 2 to 29 lower-case letters, digits or hyphens."
  }
}

variable "environment" {
  description = "What kind of environment: dev, staging, prod or preview. Production is held to stricter rules."
  type        = string
  default     = "dev"

  validation {
    condition     = contains(["dev", "staging", "prod", "preview"], var.environment)
    error_message = "The environment must be one of dev, staging, prod, preview."
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

variable "host" {
  description = "Name under which the site is reached, for example docs.example.org."
  type        = string

  validation {
    condition     = can(regex("^([a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?\\.)+[a-z]{2,63}$", var.host))
    error_message = "The host must be a full domain name in lower case, such as docs.example.org."
  }
}

variable "zone_id" {
  description = "Id of the DNS zone of that name."
  type        = string

  validation {
    condition     = can(regex("^[A-Z0-9]{10,32}$", var.zone_id))
    error_message = "The zone must be given by its id, such as Z0123456789ABC."
  }
}

variable "certificate_arn" {
  description = "Certificate for the name, in us-east-1."
  type        = string

  validation {
    condition     = can(regex("^arn:aws[a-z-]*:acm:us-east-1:[0-9]{12}:certificate/", var.certificate_arn))
    error_message = "The certificate must be in us-east-1; CloudFront accepts no other region."
  }
}

variable "single_page" {
  description = "Whether unknown paths show the first page (for applications that route in the browser)."
  type        = bool
  default     = false
}
