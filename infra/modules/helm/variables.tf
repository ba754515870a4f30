variable "addons_file" {
  description = "Path of the YAML file with the add-ons: for each, chart, repository, version, namespace and values. One file for all clusters; infra/monitoring/addons.yaml is ours."
  type        = string

  validation {
    condition     = can(yamldecode(templatefile(var.addons_file, { registry = "r", cluster = "c", region = "r", dns_domain = "d.org", dns_policy = "sync" })).addons)
    error_message = "The file of add-ons must exist and be YAML with a key addons."
  }
  validation {
    condition     = try(alltrue([for a in values(yamldecode(templatefile(var.addons_file, { registry = "r", cluster = "c", region = "r", dns_domain = "d.org", dns_policy = "sync" })).addons) : can(regex("^v?[0-9]+\\.[0-9]+\\.[0-9]+$", a.version))]), false)
    error_message = "Every add-on must be pinned to an exact version such as 1.21.1: a range would install something else tomorrow."
  }
  validation {
    condition     = try(alltrue([for a in values(yamldecode(templatefile(var.addons_file, { registry = "r", cluster = "c", region = "r", dns_domain = "d.org", dns_policy = "sync" })).addons) : startswith(a.repository, "oci://")]), false)
    error_message = "Every add-on must come from a registry of our own (oci://…), to which its chart was mirrored."
  }
}

variable "enabled" {
  description = "Which of the file's add-ons this cluster has."
  type        = set(string)
  default     = ["external-secrets", "external-dns", "kube-prometheus-stack", "eck-operator", "eck-stack", "fluentd"]

  validation {
    condition     = try(alltrue([for e in var.enabled : contains(keys(yamldecode(templatefile(var.addons_file, { registry = "r", cluster = "c", region = "r", dns_domain = "d.org", dns_policy = "sync" })).addons), e)]), false)
    error_message = "Only add-ons that the file describes can be enabled."
  }
}

variable "cluster" {
  description = "What add-ons must know of the cluster: name, region, dns_domain, registry (where images were mirrored to), environment."
  type = object({
    name        = string
    region      = string
    dns_domain  = string
    registry    = string
    environment = string
  })

  validation {
    condition     = contains(["dev", "staging", "prod", "preview"], var.cluster.environment)
    error_message = "The cluster's environment must be one of dev, staging, prod, preview."
  }
}
