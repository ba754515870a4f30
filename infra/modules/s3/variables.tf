variable "buckets" {
  description = "The buckets to make, by full name. Each: versioning (on unless said otherwise), eventbridge (announce changes), noncurrent_days (days that replaced versions are kept), force_destroy (delete it although it has contents)."
  type = map(object({
    versioning      = optional(bool, true)
    eventbridge     = optional(bool, false)
    noncurrent_days = optional(number, 90)
    force_destroy   = optional(bool, false)
  }))

  validation {
    condition     = length(var.buckets) > 0
    error_message = "Name at least one bucket."
  }
  validation {
    condition = alltrue([for b in keys(var.buckets) :
      can(regex("^[a-z0-9][a-z0-9.-]{1,61}[a-z0-9]$", b)) && !can(regex("\\.\\.|\\.-|-\\.", b)) && !can(regex("^[0-9.]+$", b))
    ])
    error_message = "A bucket's name must have 3 to 63 lower-case letters, digits, dots or hyphens, begin and end with a letter or digit, and not look like an IP address."
  }
  validation {
    condition     = alltrue([for b in keys(var.buckets) : !startswith(b, "xn--") && !startswith(b, "sthree-") && !endswith(b, "-s3alias") && !endswith(b, "--ol-s3")])
    error_message = "AWS keeps names that begin with xn-- or sthree-, or end with -s3alias or --ol-s3, for itself."
  }
  validation {
    condition     = alltrue([for b in values(var.buckets) : b.noncurrent_days >= 1 && b.noncurrent_days <= 3650])
    error_message = "Replaced versions must be kept for 1 to 3650 days."
  }
  validation {
    condition     = var.environment != "prod" || alltrue([for b in values(var.buckets) : !b.force_destroy])
    error_message = "A production bucket must not be made with force_destroy: its contents could be deleted with it in one step."
  }
  validation {
    condition     = var.environment != "prod" || alltrue([for b in values(var.buckets) : b.versioning])
    error_message = "A production bucket must keep versions, so that what was overwritten can be had back."
  }
}
