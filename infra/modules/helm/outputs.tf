output "versions" {
  description = "Which version of which add-on the cluster has."
  value       = { for name, r in merge(helm_release.first, helm_release.addon) : name => r.version }
}
