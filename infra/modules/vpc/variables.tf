variable "cidr" {
  description = "Address range of the network: private (10.*, 172.16–31.*, 192.168.*), from /16 to /20. The portal proposes a free one."
  type        = string

  validation {
    condition     = can(cidrhost(var.cidr, 0)) && can(regex("^(10\\.|192\\.168\\.|172\\.(1[6-9]|2[0-9]|3[01])\\.)", var.cidr))
    error_message = "The address range must be a private one (10.*, 172.16.* to 172.31.*, 192.168.*), such as 10.20.0.0/16."
  }
  validation {
    condition     = can(regex("/(1[6-9]|20)$", var.cidr))
    error_message = "The address range must be between /16 (65,536 addresses) and /20 (4,096 addresses)."
  }
  validation {
    condition     = try(cidrhost(var.cidr, 0) == split("/", var.cidr)[0], false)
    error_message = "The address range must begin at its own first address: 10.20.0.0/16, not 10.20.5.0/16."
  }
  validation {
    # Two ranges overlap exactly when they are the same network at the shorter of the two prefixes.
    condition = alltrue([for taken in var.taken_cidrs : try(
      cidrhost("${split("/", var.cidr)[0]}/${min(split("/", var.cidr)[1], split("/", taken)[1])}", 0) !=
      cidrhost("${split("/", taken)[0]}/${min(split("/", var.cidr)[1], split("/", taken)[1])}", 0),
    false)])
    error_message = "The address range overlaps one that is already taken; networks that overlap can never be joined. Choose another."
  }
}

variable "taken_cidrs" {
  description = "Address ranges of other networks that this one must be able to reach, so must not overlap."
  type        = list(string)
  default     = []

  validation {
    condition     = alltrue([for c in var.taken_cidrs : can(cidrhost(c, 0))])
    error_message = "Every taken range must be written like 10.20.0.0/16."
  }
}

variable "azs" {
  description = "The two availability zones to spread over, for example eu-west-1a and eu-west-1b."
  type        = list(string)

  validation {
    condition     = length(var.azs) == 2 && length(distinct(var.azs)) == length(var.azs)
    error_message = "Name exactly two different availability zones: with one, a failure of that zone stops everything."
  }
}

variable "nat_mode" {
  description = "How private subnets reach the internet: single (one gateway), per_az (one in each zone; survives a zone), none."
  type        = string
  default     = "single"

  validation {
    condition     = contains(["single", "per_az", "none"], var.nat_mode)
    error_message = "The NAT mode must be single, per_az or none."
  }
  validation {
    condition     = var.environment != "prod" || var.nat_mode != "single"
    error_message = "Production needs per_az (or none): with a single NAT gateway, one zone's failure cuts off both."
  }
}

variable "flow_log_retention" {
  description = "Days that the record of network flows is kept."
  type        = number
  default     = 365

  validation {
    condition     = contains([90, 120, 150, 180, 365, 400, 545, 731, 1096, 1827, 2192, 2557, 2922, 3288, 3653], var.flow_log_retention)
    error_message = "CloudWatch keeps logs for fixed periods only: 90, 120, 150, 180, 365, 400, 545, 731 days or whole years up to ten."
  }
}
