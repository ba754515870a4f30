variable "name" {
  type        = string
  description = "Names everything that is made, and begins the bucket's name."

  validation {
    condition     = can(regex("^[a-z][a-z0-9-]{1,29}[a-z0-9]$", var.name))
    error_message = "Use 3 to 31 small letters, digits and hyphens, beginning with a letter and not ending with a hyphen."
  }
}

variable "network" {
  type        = string
  default     = "10.40.0.0/16"
  description = "The VPC's addresses. The four subnets share its first half, a quarter each."

  validation {
    condition     = can(cidrnetmask(var.network))
    error_message = "Give an IPv4 network such as 10.40.0.0/16."
  }

  validation {
    condition     = can(regex("/(1[6-9]|2[0-4])$", var.network))
    error_message = "A VPC here has between /16 and /24 addresses."
  }
}

variable "keep_versions" {
  type        = bool
  default     = true
  description = "Whether the bucket keeps what is overwritten or deleted."
}

variable "tags" {
  type        = map(string)
  default     = {}
  description = "More tags for everything that is made."

  validation {
    condition     = alltrue([for key in keys(var.tags) : !startswith(lower(key), "aws:")])
    error_message = "AWS keeps tags that begin with aws: for itself."
  }
}
