variable "kubernetes_version" {
  description = "Version of Kubernetes: 1.35 or 1.36."
  type        = string
  default     = "1.35"

  validation {
    condition     = contains(["1.35", "1.36"], var.kubernetes_version)
    error_message = "Kubernetes must be 1.35 or 1.36: older versions leave standard support, after which AWS charges six times as much."
  }
}

variable "vpc_id" {
  description = "Id of the network."
  type        = string
}

variable "subnet_ids" {
  description = "Ids of at least two private subnets in different zones."
  type        = list(string)

  validation {
    condition     = length(distinct(var.subnet_ids)) >= 2
    error_message = "A cluster needs at least two subnets in different zones."
  }
}

variable "node_groups" {
  description = "Groups of nodes, by name. Each: instance_types, min, desired and max number of nodes, disk_gb."
  type = map(object({
    instance_types = optional(list(string), ["m7i.large"])
    min            = optional(number, 2)
    desired        = optional(number, 2)
    max            = optional(number, 4)
    disk_gb        = optional(number, 50)
  }))
  default = { general = {} }

  validation {
    condition     = length(var.node_groups) > 0
    error_message = "A cluster needs at least one group of nodes."
  }
  validation {
    condition     = alltrue([for g in values(var.node_groups) : g.min >= 0 && g.min <= g.desired && g.desired <= g.max && g.max >= 1])
    error_message = "In every node group the numbers must rise: min, then desired, then max."
  }
  validation {
    condition     = var.environment != "prod" || alltrue([for g in values(var.node_groups) : g.min >= 2])
    error_message = "Production needs at least two nodes in every group, or the loss of one stops it."
  }
  validation {
    condition     = alltrue([for g in values(var.node_groups) : g.disk_gb >= 20 && g.disk_gb <= 1000])
    error_message = "A node's disk must have 20 to 1000 GB."
  }
}

variable "api_client_sg_ids" {
  description = "Security groups, by any name, whose members reach the Kubernetes API (VPN connectors, build, worker). Nobody else does: the API has no public address."
  type        = map(string)
  default     = {}
}

variable "access_entries" {
  description = "Who may use the Kubernetes API, by any name. Each: principal_arn (an IAM role), groups (Kubernetes groups), admin (whether it is the cluster's administrator)."
  type = map(object({
    principal_arn = string
    groups        = optional(list(string), [])
    admin         = optional(bool, false)
  }))

  validation {
    condition     = anytrue([for e in values(var.access_entries) : e.admin])
    error_message = "Name at least one administrator, or nobody could ever enter the cluster."
  }
  validation {
    condition     = alltrue(flatten([for e in values(var.access_entries) : [for g in e.groups : !anytrue([for p in ["system:", "eks:", "aws:", "amazon:", "iam:"] : startswith(g, p)])]]))
    error_message = "Groups must not begin with system:, eks:, aws:, amazon: or iam:, which Kubernetes and AWS keep for themselves."
  }
  validation {
    condition     = alltrue([for e in values(var.access_entries) : can(regex("^arn:aws[a-z-]*:iam::[0-9]{12}:role/.+$", e.principal_arn))])
    error_message = "Everybody must be named by the ARN of an IAM role; users with long-lived keys are not let in."
  }
}

variable "pod_identities" {
  description = "Which service accounts get which IAM role, by any name. Each: namespace, service_account, role_arn."
  type = map(object({
    namespace       = string
    service_account = string
    role_arn        = string
  }))
  default = {}

  validation {
    condition     = alltrue([for p in values(var.pod_identities) : p.service_account != "default"])
    error_message = "The service account default must not get a role: every pod that names none would have it."
  }
}

variable "addons" {
  description = "AWS add-ons with their versions; null takes AWS's default for the Kubernetes version."
  type        = map(string)
  default = {
    "vpc-cni"                = null
    "coredns"                = null
    "kube-proxy"             = null
    "eks-pod-identity-agent" = null
    "aws-ebs-csi-driver"     = null
  }

  validation {
    condition     = alltrue([for a in ["vpc-cni", "coredns", "kube-proxy", "eks-pod-identity-agent"] : contains(keys(var.addons), a)])
    error_message = "The add-ons must include vpc-cni, coredns, kube-proxy and eks-pod-identity-agent: nothing works without them."
  }
}

variable "log_retention" {
  description = "Days that the control plane's logs, the audit log among them, are kept."
  type        = number
  default     = 365

  validation {
    condition     = contains([90, 120, 150, 180, 365, 400, 545, 731, 1096, 1827, 2192, 2557, 2922, 3288, 3653], var.log_retention)
    error_message = "CloudWatch keeps logs for fixed periods only: 90, 120, 150, 180, 365, 400, 545, 731 days or whole years up to ten."
  }
}
