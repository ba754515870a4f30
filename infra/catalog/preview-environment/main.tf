terraform {
  required_version = ">= 1.11, < 2.0"

  required_providers {
    helm = {
      source  = "hashicorp/helm"
      version = "~> 3.1"
    }
  }
}

# A namespace of its own with a quota, the service in it, a name that external-dns writes, and a schema of its own in the
# shared preview database. Everything goes when the namespace goes; the schema is dropped by the nightly sweep.
locals {
  namespace = "preview-${var.name}"
  schema    = replace("preview_${var.name}", "-", "_")
  sizes = {
    S = { cpu = "50m", memory = "128Mi", limit = "256Mi", quota_cpu = "1", quota_memory = "2Gi", pods = 6 }
    M = { cpu = "250m", memory = "512Mi", limit = "1Gi", quota_cpu = "2", quota_memory = "4Gi", pods = 10 }
    L = { cpu = "1", memory = "2Gi", limit = "4Gi", quota_cpu = "6", quota_memory = "16Gi", pods = 16 }
  }
  size = local.sizes[var.size]
}

resource "helm_release" "namespace" {
  name       = local.namespace
  namespace  = "slipway-releases"
  repository = var.chart_registry
  chart      = "namespace"
  version    = var.chart_version
  atomic     = true
  wait       = true
  values = [yamlencode({
    namespace   = local.namespace
    team        = var.team
    environment = "preview"
    envId       = var.env_id
    expiresAt   = var.expires_at == null ? "" : var.expires_at
    quota       = { cpu = local.size.quota_cpu, memory = local.size.quota_memory, pods = local.size.pods, loadBalancers = 0, storage = "5Gi" }
  })]
}

resource "helm_release" "service" {
  name       = var.service
  namespace  = local.namespace
  repository = var.chart_registry
  chart      = "service"
  version    = var.chart_version
  atomic     = true
  wait       = true
  timeout    = 600
  values = [yamlencode({
    image     = { repository = var.image_repository, digest = var.image_digest }
    replicas  = 1
    ingress   = { host = var.host }
    resources = { requests = { cpu = local.size.cpu, memory = local.size.memory }, limits = { memory = local.size.limit } }
    env       = var.database_secret == "" ? {} : { DATABASE_SCHEMA = local.schema }
    externalSecrets = var.database_secret == "" ? [] : [
      { name = "database", remoteKey = var.database_secret, env = { DATABASE_URL = "url" } },
    ]
    migrations = { command = var.migrate_command }
  })]

  depends_on = [helm_release.namespace]
}
