variable "repositories" {
  description = "The image repositories to make, by name (team/service). Each: keep_tagged (how many released images are kept to roll back to), untagged_days (days that leftovers of builds are kept)."
  type = map(object({
    keep_tagged   = optional(number, 50)
    untagged_days = optional(number, 7)
  }))

  validation {
    condition     = length(var.repositories) > 0
    error_message = "Name at least one repository."
  }
  validation {
    condition     = alltrue([for r in keys(var.repositories) : can(regex("^[a-z0-9]+([._/-][a-z0-9]+)*$", r)) && length(r) >= 2 && length(r) <= 256])
    error_message = "A repository's name must be lower-case words joined by single . _ - or /, for example shop/checkout."
  }
  validation {
    condition     = alltrue([for r in values(var.repositories) : r.keep_tagged >= 20 && r.keep_tagged <= 1000])
    error_message = "Keep 20 to 1000 released images: with fewer, the image to roll back to may be gone."
  }
  validation {
    condition     = alltrue([for r in values(var.repositories) : r.untagged_days >= 1 && r.untagged_days <= 90])
    error_message = "Leftovers of builds must be kept for 1 to 90 days."
  }
}

variable "pull_principals" {
  description = "ARNs of roles or accounts outside this account that may pull the images."
  type        = list(string)
  default     = []

  validation {
    condition     = alltrue([for p in var.pull_principals : can(regex("^arn:aws[a-z-]*:iam::[0-9]{12}:(root|role/.+)$", p))])
    error_message = "Who may pull must be named by the ARN of a role or of an account's root; * is never allowed."
  }
}
