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

variable "engine_version" {
  description = "Major version of PostgreSQL: 16, 17 or 18."
  type        = string
  default     = "17"

  validation {
    condition     = contains(["16", "17", "18"], var.engine_version)
    error_message = "PostgreSQL must be version 16, 17 or 18."
  }
}

variable "instance_class" {
  description = "Size of the database server."
  type        = string
  default     = "db.t4g.medium"

  validation {
    condition     = contains(["db.t4g.micro", "db.t4g.small", "db.t4g.medium", "db.t4g.large", "db.m7g.large", "db.m7g.xlarge"], var.instance_class)
    error_message = "The size must be one of db.t4g.micro, db.t4g.small, db.t4g.medium, db.t4g.large, db.m7g.large, db.m7g.xlarge."
  }
}

variable "storage_gb" {
  description = "Size of the disk in GB."
  type        = number
  default     = 20

  validation {
    condition     = var.storage_gb >= 20 && var.storage_gb <= 1000
    error_message = "The disk must have 20 to 1000 GB."
  }
}

variable "multi_az" {
  description = "Whether a second server in another zone stands ready. Production must have it."
  type        = bool
  default     = false

  validation {
    condition     = var.environment != "prod" || var.multi_az
    error_message = "A production database must be multi-AZ: otherwise the failure of one zone stops it."
  }
}

variable "vpc_id" {
  description = "Network of the environment that uses the database."
  type        = string

  validation {
    condition     = startswith(var.vpc_id, "vpc-")
    error_message = "The network must be given by its id, vpc-…"
  }
}

variable "subnet_ids" {
  description = "Private subnets of that network, at least two."
  type        = list(string)

  validation {
    condition     = length(var.subnet_ids) >= 2
    error_message = "A database needs at least two subnets in different zones."
  }
}

variable "client_security_group" {
  description = "Security group whose members may connect; usually that of the cluster's nodes."
  type        = string

  validation {
    condition     = startswith(var.client_security_group, "sg-")
    error_message = "The group must be given by its id, sg-…"
  }
}
