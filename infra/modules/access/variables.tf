variable "teams" {
  description = "The teams, by name. Each: namespaces that are theirs, in all clusters."
  type = map(object({
    namespaces = list(string)
  }))

  validation {
    condition     = length(var.teams) > 0 && alltrue([for t in keys(var.teams) : can(regex("^[a-z][a-z0-9-]{1,25}$", t)) && !contains(["platform", "break-glass"], t)])
    error_message = "A team must begin with a letter, have 2 to 26 lower-case letters, digits or hyphens, and not be called platform or break-glass."
  }
  validation {
    condition     = length(flatten([for t in values(var.teams) : t.namespaces])) == length(distinct(flatten([for t in values(var.teams) : t.namespaces])))
    error_message = "A namespace can belong to one team only."
  }
  validation {
    condition     = alltrue(flatten([for t in values(var.teams) : [for n in t.namespaces : !startswith(n, "kube-") && !contains(["default", "slipway", "external-secrets", "monitoring"], n)]]))
    error_message = "The namespaces of Kubernetes and of the platform (kube-*, default, slipway, external-secrets, monitoring) cannot belong to a team."
  }
}

variable "trusted_principal" {
  description = "ARN of what people sign in through (the SAML provider or Identity Center's account role). The portal's groups decide which role it hands out."
  type        = string

  validation {
    condition     = can(regex("^arn:aws[a-z-]*:iam::[0-9]{12}:(saml-provider/.+|role/.+|root)$", var.trusted_principal))
    error_message = "What people sign in through must be named by the ARN of a SAML provider, a role or an account's root."
  }
}

variable "worker_role_arn" {
  description = "ARN of the role of the portal's worker, which alone may take the exec roles."
  type        = string

  validation {
    condition     = can(regex("^arn:aws[a-z-]*:iam::[0-9]{12}:role/.+$", var.worker_role_arn)) && !strcontains(var.worker_role_arn, "*")
    error_message = "The worker must be named by the ARN of its role, without *."
  }
}

variable "boundary_arn" {
  description = "ARN of the limit that every role carries (output of bootstrap)."
  type        = string
}

variable "state_bucket" {
  description = "Bucket with the environments' state."
  type        = string
}

variable "secret_prefix" {
  description = "Beginning of the names of the secrets that the portal may write."
  type        = string
  default     = "platform/"

  validation {
    condition     = can(regex("^[a-z][a-z0-9-]*/$", var.secret_prefix))
    error_message = "The prefix must be one lower-case word that ends with /; without it the portal could write every secret."
  }
}

variable "external_secrets_role_arn" {
  description = "ARN of External Secrets' own role, which takes a team's role to read that team's secrets; null when there is no cluster yet."
  type        = string
  default     = null

  validation {
    condition     = var.external_secrets_role_arn == null || (can(regex("^arn:aws[a-z-]*:iam::[0-9]{12}:role/.+$", var.external_secrets_role_arn)) && !strcontains(coalesce(var.external_secrets_role_arn, "-"), "*"))
    error_message = "External Secrets must be named by the ARN of its role, without *."
  }
}
