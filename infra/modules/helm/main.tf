# The platform's add-ons, and only they: applications are released by their pipelines, so that no release has two owners.
# The provider is configured by the root, from another state than the cluster's own (docs/operating.md).
locals {
  # The file may name these placeholders, which keeps one file right for every cluster.
  file = templatefile(var.addons_file, {
    cluster    = var.cluster.name
    region     = var.cluster.region
    dns_domain = var.cluster.dns_domain
    registry   = var.cluster.registry
    dns_policy = var.cluster.environment == "prod" ? "upsert-only" : "sync"
  })
  addons  = { for name, a in yamldecode(local.file).addons : name => a if contains(var.enabled, name) }
  crds    = { for name, a in local.addons : name => a if try(a.first, false) }
  ordered = { for name, a in local.addons : name => a if !try(a.first, false) }
}

# First those whose definitions (CRDs) the others use.
resource "helm_release" "first" {
  for_each = local.crds

  name             = each.key
  repository       = each.value.repository
  chart            = each.value.chart
  version          = each.value.version
  namespace        = each.value.namespace
  create_namespace = true
  atomic           = true
  wait             = true
  timeout          = 600
  max_history      = 10
  values           = [yamlencode(try(each.value.values, {}))]
}

resource "helm_release" "addon" {
  for_each = local.ordered

  name             = each.key
  repository       = each.value.repository
  chart            = each.value.chart
  version          = each.value.version
  namespace        = each.value.namespace
  create_namespace = true
  atomic           = true # a failed upgrade goes back by itself
  wait             = true
  timeout          = 900
  max_history      = 10
  values           = [yamlencode(try(each.value.values, {}))]

  depends_on = [helm_release.first]
}
