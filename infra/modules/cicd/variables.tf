variable "service" {
  description = "Name of the service that is built and deployed."
  type        = string

  validation {
    condition     = can(regex("^[a-z][a-z0-9-]{1,28}$", var.service))
    error_message = "The service must begin with a lower-case letter and have 2 to 29 lower-case letters, digits or hyphens."
  }
}

variable "repo_path" {
  description = "Path of the project in GitLab, group/project. Only its protected branches may upload."
  type        = string

  validation {
    condition     = can(regex("^[A-Za-z0-9_.-]+(/[A-Za-z0-9_.-]+)+$", var.repo_path)) && !strcontains(var.repo_path, "*")
    error_message = "The project must be named in full as group/project; * would let other projects in."
  }
}

variable "branch_env" {
  description = "Which environments a branch is deployed to, in this order, by branch. Usually only main."
  type        = map(list(string))
  default     = { main = ["dev", "staging", "prod"] }

  validation {
    condition     = length(var.branch_env) > 0 && alltrue([for envs in values(var.branch_env) : length(envs) > 0 && length(distinct(envs)) == length(envs)])
    error_message = "Every branch needs at least one environment, and none twice."
  }
  validation {
    condition     = alltrue([for b in keys(var.branch_env) : can(regex("^[A-Za-z0-9._-]{1,40}$", b))])
    error_message = "A branch must be named exactly, with letters, digits, dots, hyphens or underscores; patterns are not allowed."
  }
  validation {
    condition     = alltrue([for e in distinct(flatten(values(var.branch_env))) : contains(keys(var.targets), e)])
    error_message = "Every environment of a branch must be in targets, which says to which cluster and namespace it deploys."
  }
}

variable "targets" {
  description = "Where each environment runs, by environment: cluster and namespace."
  type = map(object({
    cluster   = string
    namespace = string
  }))
}

variable "approval_envs" {
  description = "Environments before which a person must approve."
  type        = list(string)
  default     = ["prod"]

  validation {
    condition     = !contains(flatten(values(var.branch_env)), "prod") || contains(var.approval_envs, "prod")
    error_message = "Production must be among the environments that a person approves."
  }
}

variable "chart_uri" {
  description = "Address of the service chart in the registry, oci://…"
  type        = string

  validation {
    condition     = startswith(var.chart_uri, "oci://")
    error_message = "The chart must come from a registry: an address that begins with oci://."
  }
}

variable "chart_version" {
  description = "Version of the service chart, exactly."
  type        = string

  validation {
    condition     = can(regex("^[0-9]+\\.[0-9]+\\.[0-9]+$", var.chart_version))
    error_message = "The chart's version must be exact, such as 1.4.0; ranges would deploy something else tomorrow."
  }
}

variable "source_bucket" {
  description = "Bucket to which GitLab uploads; it keeps versions and announces changes to EventBridge."
  type        = string
}

variable "artifact_bucket" {
  description = "Bucket through which the pipeline hands results on."
  type        = string
}

variable "ecr_repository_arn" {
  description = "ARN of the service's image repository."
  type        = string
}

variable "ecr_repository_url" {
  description = "Address of the service's image repository."
  type        = string
}

variable "gitlab_oidc_arn" {
  description = "ARN of the trust in GitLab (output of bootstrap)."
  type        = string
}

variable "gitlab_url" {
  description = "Address of GitLab, https://…"
  type        = string

  validation {
    condition     = can(regex("^https://[a-z0-9.-]+$", var.gitlab_url))
    error_message = "GitLab's address must begin with https:// and end with the host's name, without a slash."
  }
}

variable "boundary_arn" {
  description = "ARN of the limit that every role carries (output of bootstrap)."
  type        = string
  default     = null
}

variable "deploy_bus_arn" {
  description = "ARN of the bus to which the deploy step reports (output of events)."
  type        = string
}

variable "vpc_id" {
  description = "Id of the network in which builds run."
  type        = string
}

variable "subnet_ids" {
  description = "Ids of the private subnets in which builds run."
  type        = list(string)

  validation {
    condition     = length(var.subnet_ids) >= 1
    error_message = "Name at least one private subnet."
  }
}

variable "build_image" {
  description = "Image in which builds run."
  type        = string
  default     = "aws/codebuild/amazonlinux-x86_64-standard:5.0"
}

variable "log_retention" {
  description = "Days that build logs are kept."
  type        = number
  default     = 365

  validation {
    condition     = contains([90, 120, 150, 180, 365, 400, 545, 731], var.log_retention)
    error_message = "Build logs must be kept for 90, 120, 150, 180, 365, 400, 545 or 731 days."
  }
}
