variable "queue_name" {
  description = "Name of the queue from which the portal's worker reads what happened."
  type        = string
  default     = "slipway-events"

  validation {
    condition     = can(regex("^[A-Za-z0-9_-]{1,70}$", var.queue_name))
    error_message = "The queue's name must have 1 to 70 letters, digits, hyphens or underscores (it also names the queue of failures)."
  }
}

variable "retention_days" {
  description = "Days that events wait to be read, and that failed ones and the archive are kept."
  type        = number
  default     = 14

  validation {
    condition     = var.retention_days >= 1 && var.retention_days <= 14
    error_message = "SQS keeps messages for 1 to 14 days."
  }
}

variable "deploy_role_arns" {
  description = "ARNs of the deploy roles that may report a finished deployment. Nobody else may."
  type        = list(string)
  default     = []

  validation {
    condition     = alltrue([for r in var.deploy_role_arns : can(regex("^arn:aws[a-z-]*:iam::[0-9]{12}:role/.+$", r)) && !strcontains(r, "*")])
    error_message = "Who may report deployments must be named by the ARN of a role, without *."
  }
}

variable "alarm_topic_arns" {
  description = "ARNs of the topics that are told when events fail or grow old."
  type        = list(string)
  default     = []
}
