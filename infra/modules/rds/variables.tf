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
    condition     = contains(["db.t4g.micro", "db.t4g.small", "db.t4g.medium", "db.t4g.large", "db.m7g.large", "db.m7g.xlarge", "db.r7g.large", "db.r7g.xlarge"], var.instance_class)
    error_message = "The size must be one of db.t4g.micro, db.t4g.small, db.t4g.medium, db.t4g.large, db.m7g.large, db.m7g.xlarge, db.r7g.large, db.r7g.xlarge."
  }
}

variable "storage_gb" {
  description = "Size of the disk in GB; it grows by itself to twice that."
  type        = number
  default     = 20

  validation {
    condition     = var.storage_gb >= 20 && var.storage_gb <= 1000 && floor(var.storage_gb) == var.storage_gb
    error_message = "The disk must have 20 to 1000 GB, in whole numbers."
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

variable "password_mode" {
  description = "Where the master password comes from: ephemeral_secret (read from secret_arn while applying, never in state) or rds_managed (RDS makes, keeps and rotates it)."
  type        = string
  default     = "ephemeral_secret"

  validation {
    condition     = contains(["ephemeral_secret", "rds_managed"], var.password_mode)
    error_message = "The password mode must be ephemeral_secret or rds_managed."
  }
}

variable "secret_arn" {
  description = "ARN of the secret whose value is JSON with a field named password; needed with ephemeral_secret. The value is read while applying and kept nowhere."
  type        = string
  default     = null

  validation {
    condition     = var.password_mode != "ephemeral_secret" || var.secret_arn != null
    error_message = "Give secret_arn, or choose rds_managed so that RDS makes the password."
  }
}

variable "password_version" {
  description = "Raise this number after the secret has been given a new value, so that the database takes it over."
  type        = number
  default     = 1

  validation {
    condition     = var.password_version >= 1 && floor(var.password_version) == var.password_version
    error_message = "The password version must be a whole number from 1 on."
  }
}

variable "database_name" {
  description = "Name of the first database."
  type        = string
  default     = "app"

  validation {
    condition     = can(regex("^[a-z][a-z0-9_]{0,62}$", var.database_name)) && !contains(["postgres", "rdsadmin", "template0", "template1"], var.database_name)
    error_message = "The database's name must begin with a letter, have lower-case letters, digits or _ only, and not be one of PostgreSQL's own."
  }
}

variable "vpc_id" {
  description = "Id of the network."
  type        = string
}

variable "subnet_ids" {
  description = "Ids of at least two private subnets in different zones."
  type        = list(string)

  validation {
    condition     = length(var.subnet_ids) >= 2
    error_message = "A database needs at least two subnets in different zones, even when it uses one at a time."
  }
}

variable "client_sg_ids" {
  description = "Security groups, by any name, whose members may connect (for example the cluster's nodes). Nobody else may."
  type        = map(string)
  default     = {}
}

variable "backup_days" {
  description = "Days that automatic backups are kept."
  type        = number
  default     = 7

  validation {
    condition     = var.backup_days >= 1 && var.backup_days <= 35
    error_message = "Backups must be kept for 1 to 35 days."
  }
  validation {
    condition     = var.environment != "prod" || var.backup_days >= 7
    error_message = "Production backups must be kept for at least 7 days."
  }
}
