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

variable "cidr" {
  description = "Address range of the network: private, from /16 to /20. The portal proposes a free one."
  type        = string

  validation {
    condition     = can(cidrhost(var.cidr, 0)) && can(regex("^(10\\.|192\\.168\\.|172\\.(1[6-9]|2[0-9]|3[01])\\.)", var.cidr)) && can(regex("/(1[6-9]|20)$", var.cidr))
    error_message = "The address range must be a private one from /16 to /20, such as 10.20.0.0/16."
  }
}

variable "azs" {
  description = "The two availability zones."
  type        = list(string)
  default     = ["eu-west-1a", "eu-west-1b"]

  validation {
    condition     = length(distinct(var.azs)) == 2 && length(var.azs) == 2
    error_message = "Name exactly two different availability zones."
  }
}

variable "nat_mode" {
  description = "How private subnets reach the internet: single, per_az (survives the loss of a zone), none."
  type        = string
  default     = "single"

  validation {
    condition     = contains(["single", "per_az", "none"], var.nat_mode)
    error_message = "The NAT mode must be single, per_az or none."
  }

  validation {
    condition     = var.environment != "prod" || var.nat_mode != "single"
    error_message = "Production needs per_az or none."
  }
}

variable "kubernetes_version" {
  description = "Version of Kubernetes."
  type        = string
  default     = "1.35"

  validation {
    condition     = contains(["1.35", "1.36"], var.kubernetes_version)
    error_message = "Kubernetes must be 1.35 or 1.36."
  }
}

variable "nodes" {
  description = "How many nodes: at least, at first, at most, and their size."
  type = object({
    min           = optional(number, 2)
    desired       = optional(number, 2)
    max           = optional(number, 4)
    instance_type = optional(string, "m7i.large")
  })
  default = {}

  validation {
    condition     = var.nodes.min <= var.nodes.desired && var.nodes.desired <= var.nodes.max
    error_message = "The numbers of nodes must rise: min, then desired, then max."
  }
}

variable "administrator_role" {
  description = "ARN of the role that administers the cluster."
  type        = string

  validation {
    condition     = can(regex("^arn:aws[a-z-]*:iam::[0-9]{12}:role/.+$", var.administrator_role))
    error_message = "The administrator must be named by the ARN of an IAM role."
  }
}

variable "api_client_security_groups" {
  description = "Security groups, by any name, that reach the Kubernetes API (VPN, builds, worker)."
  type        = map(string)
  default     = {}
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

variable "buckets" {
  description = "Full names of the buckets to make."
  type        = list(string)
  default     = []

  validation {
    condition     = alltrue([for b in var.buckets : can(regex("^[a-z0-9][a-z0-9-]{1,61}[a-z0-9]$", b))])
    error_message = "A bucket's name must have 3 to 63 lower-case letters, digits or hyphens."
  }
}
