# Plain values ---------------------------------------------------------------------------------------------------------

variable "title" {
  type        = string
  description = "The only thing that must be given."

  validation {
    condition     = can(regex("^[A-Za-z][A-Za-z0-9 ._-]{2,39}$", var.title))
    error_message = "Use 3 to 40 letters, digits, spaces, dots, hyphens or underscores, beginning with a letter."
  }
}

variable "size" {
  type        = string
  default     = "small"
  description = "A choice: the author listed what is accepted, so the form offers exactly that."

  validation {
    condition     = contains(["small", "medium", "large"], var.size)
    error_message = "Choose small, medium or large."
  }
}

variable "replicas" {
  type        = number
  default     = 2
  description = "A number with limits."

  validation {
    condition     = var.replicas >= 1 && var.replicas <= 20 && floor(var.replicas) == var.replicas
    error_message = "Between 1 and 20, without a fraction."
  }

  validation {
    condition     = var.size != "large" || var.replicas <= 5
    error_message = "At most 5 replicas of size large."
  }
}

variable "ratio" {
  type        = number
  default     = 0.25
  description = "A number that may have a fraction; it is kept exactly as written."

  validation {
    condition     = var.ratio >= 0 && var.ratio <= 1
    error_message = "Between 0 and 1."
  }
}

variable "public" {
  type        = bool
  default     = false
  description = "Yes or no."
}

variable "note" {
  type        = string
  default     = null
  description = <<-EOT
    May stay unset, which is not the same as empty.

    This description is longer than a line on purpose. It says what the value is for, what happens when it is left out,
    and whom to ask: the platform team, in the channel that every team knows. A form should show it without pushing the
    next field off the screen.
  EOT
}

variable "password" {
  type        = string
  sensitive   = true
  description = "A secret. It is sealed as you send it; nobody can read it here again, you included."

  validation {
    condition     = length(var.password) >= 8
    error_message = "Use at least 8 characters."
  }
}

variable "api_token" {
  type        = string
  default     = null
  sensitive   = true
  description = "A secret that may stay unset."
}

# Collections ----------------------------------------------------------------------------------------------------------

variable "zones" {
  type        = list(string)
  default     = ["a", "b"]
  description = "A list: the order counts, and a value may come twice."

  validation {
    condition     = length(var.zones) >= 1 && length(var.zones) <= 6
    error_message = "Between 1 and 6 zones."
  }
}

variable "allowed_networks" {
  type        = set(string)
  default     = ["10.0.0.0/8"]
  description = "A set: no order, no value twice. Each must be a network such as 10.0.0.0/8."

  validation {
    condition     = alltrue([for network in var.allowed_networks : can(cidrhost(network, 0))])
    error_message = "Each must be a network in CIDR notation."
  }
}

variable "labels" {
  type = map(string)
  default = {
    "team" = "platform"
  }
  description = "A map: keys and values."

  validation {
    condition     = alltrue([for key, value in var.labels : can(regex("^[a-z][a-z0-9-]*$", key)) && length(value) <= 63])
    error_message = "Keys are small letters, digits and hyphens; values have at most 63 characters."
  }
}

variable "window" {
  type        = tuple([string, number])
  default     = ["sun", 3]
  description = "A tuple: a day and the hour at which maintenance may begin."

  validation {
    condition     = contains(["mon", "tue", "wed", "thu", "fri", "sat", "sun"], var.window[0]) && var.window[1] >= 0 && var.window[1] < 24
    error_message = "A day from mon to sun, and an hour from 0 to 23."
  }
}

# Groups ---------------------------------------------------------------------------------------------------------------

variable "database" {
  type = object({
    engine   = string
    version  = optional(string, "16")
    storage  = optional(number, 20)
    replicas = optional(list(string), [])
    backup = optional(object({
      keep_days = optional(number, 7)
      window    = optional(string)
    }), {})
  })
  default = {
    engine = "postgresql"
  }
  description = "A group, with members that may be left out and a group inside."

  validation {
    condition     = contains(["postgresql", "mysql"], var.database.engine)
    error_message = "The engine is postgresql or mysql."
  }

  validation {
    condition     = var.database.storage >= 20 && var.database.backup.keep_days <= 35
    error_message = "At least 20 GiB of storage, and backups kept for at most 35 days."
  }
}

variable "services" {
  type = list(object({
    name  = string
    ports = optional(list(number), [80])
    env   = optional(map(string), {})
    probe = optional(object({
      path    = string
      seconds = optional(number, 10)
    }))
  }))
  default = [
    {
      name  = "web"
      ports = [80, 443]
      probe = { path = "/healthz" }
    },
  ]
  description = "A list of groups, with lists and maps inside."

  validation {
    condition     = length(var.services) == length(distinct([for service in var.services : service.name]))
    error_message = "Two services have the same name."
  }

  validation {
    condition     = alltrue(flatten([for service in var.services : [for port in service.ports : port >= 1 && port <= 65535]]))
    error_message = "Ports are numbers from 1 to 65535."
  }
}

# What no control fits -------------------------------------------------------------------------------------------------

variable "extra" {
  type        = any
  default     = { "hello" = ["world"] }
  description = "Anything at all, written as JSON."
}

variable "digest" {
  type        = string
  default     = ""
  description = "A rule that only the engine can judge: the first 8 characters of the title's SHA-256, or empty."

  validation {
    condition     = var.digest == "" || var.digest == substr(sha256(var.title), 0, 8)
    error_message = "These are not the first 8 characters of the title's SHA-256."
  }
}
