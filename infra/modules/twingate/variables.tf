variable "resources" {
  description = "What people reach through the VPN, by name. Each: address (a private host name or range), group_ids (who), on_request (each use must be asked for and ends after an hour)."
  type = map(object({
    address    = string
    group_ids  = list(string)
    on_request = optional(bool, false)
  }))

  validation {
    condition     = length(var.resources) > 0 && alltrue([for r in values(var.resources) : length(r.group_ids) > 0])
    error_message = "Name at least one resource, and for each at least one group that may reach it."
  }
  validation {
    condition     = alltrue([for r in values(var.resources) : !contains(["0.0.0.0/0", "::/0", "*"], r.address)])
    error_message = "A resource must be one host or private range, never everything."
  }
  validation {
    condition     = var.environment != "prod" || alltrue([for r in values(var.resources) : r.on_request])
    error_message = "What is in production must be reached on request only."
  }
}

variable "connector_count" {
  description = "How many connectors stand between the VPN and the network. Two, so that one can be renewed."
  type        = number
  default     = 2

  validation {
    condition     = var.connector_count >= 2 && var.connector_count <= 5
    error_message = "There must be 2 to 5 connectors; with one, its renewal locks everybody out."
  }
}

variable "network_name" {
  description = "Name of the Twingate network: the word before .twingate.com."
  type        = string

  validation {
    condition     = can(regex("^[a-z0-9][a-z0-9-]{0,62}$", var.network_name))
    error_message = "The network must be one word of lower-case letters, digits or hyphens, without .twingate.com."
  }
}

variable "vpc_id" {
  description = "Id of the network in which the connectors stand, outside the cluster that they guard."
  type        = string
}

variable "subnet_ids" {
  description = "Ids of private subnets; the connectors are spread over them."
  type        = list(string)

  validation {
    condition     = length(var.subnet_ids) >= 1
    error_message = "Name at least one private subnet."
  }
}

variable "ami_id" {
  description = "Id of the connector's image in this region (published by Twingate; look it up by owner 617935088040)."
  type        = string

  validation {
    condition     = can(regex("^ami-[0-9a-f]{8,17}$", var.ami_id))
    error_message = "The image must be given by its id, ami-…"
  }
}

variable "kms_key_arn" {
  description = "ARN of the KMS key for the connectors' tokens. This module's state holds the tokens too: keep it in a state of its own under this key."
  type        = string
}
