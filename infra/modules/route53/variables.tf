variable "zone_name" {
  description = "Name of the zone, for example shop.example.org."
  type        = string

  validation {
    condition     = can(regex("^([a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?\\.)+[a-z]{2,63}$", var.zone_name)) && length(var.zone_name) <= 253
    error_message = "The zone must be a full domain name in lower case without a dot at the end, such as shop.example.org."
  }
}

variable "private_vpc_ids" {
  description = "Networks in which alone the zone is seen; none means that it is public."
  type        = list(string)
  default     = []
}

variable "records" {
  description = "Records of the zone, by name (@ is the zone itself). Each: type (A, AAAA, CNAME, TXT, MX, CAA), values, ttl in seconds. external-dns writes its own; do not repeat them here."
  type = map(object({
    type   = string
    values = list(string)
    ttl    = optional(number, 300)
  }))
  default = {}

  validation {
    condition     = alltrue([for r in values(var.records) : contains(["A", "AAAA", "CNAME", "TXT", "MX", "CAA"], r.type)])
    error_message = "A record's type must be one of A, AAAA, CNAME, TXT, MX, CAA."
  }
  validation {
    condition     = alltrue([for r in values(var.records) : length(r.values) > 0 && (r.type != "CNAME" || length(r.values) == 1)])
    error_message = "A record needs at least one value, a CNAME exactly one."
  }
  validation {
    condition     = alltrue([for n, r in var.records : !(n == "@" && r.type == "CNAME")])
    error_message = "The zone itself (@) cannot be a CNAME."
  }
  validation {
    condition     = alltrue([for r in values(var.records) : r.type != "A" || alltrue([for v in r.values : can(cidrhost("${v}/32", 0))])])
    error_message = "The values of an A record must be IPv4 addresses."
  }
  validation {
    condition     = alltrue([for r in values(var.records) : r.ttl >= 30 && r.ttl <= 86400])
    error_message = "The time to live must be 30 to 86400 seconds."
  }
  validation {
    condition     = var.allow_wildcard || alltrue([for n in keys(var.records) : !strcontains(n, "*")])
    error_message = "A wildcard record catches every name that is mistyped; set allow_wildcard when that is wanted."
  }
}

variable "certificate" {
  description = "Whether to ask for a TLS certificate for the zone's name and the names one level beneath it that are listed in certificate_names."
  type        = bool
  default     = false

  validation {
    condition     = !var.certificate || length(var.private_vpc_ids) == 0
    error_message = "AWS can prove a certificate in a public zone only."
  }
}

variable "certificate_names" {
  description = "Further names in the certificate, relative to the zone, for example www."
  type        = list(string)
  default     = []

  validation {
    condition     = var.allow_wildcard || alltrue([for n in var.certificate_names : !strcontains(n, "*")])
    error_message = "A wildcard certificate serves every name beneath the zone; set allow_wildcard when that is wanted."
  }
}

variable "delegated" {
  description = "Set to true once the parent domain names this zone's name servers. Only then is waited for the certificate: before, it could not be proven."
  type        = bool
  default     = false
}

variable "allow_wildcard" {
  description = "Whether names with * are allowed."
  type        = bool
  default     = false
}
