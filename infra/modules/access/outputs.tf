output "people_role_arns" {
  description = "ARNs of people's roles, by name."
  value       = { for n, r in aws_iam_role.people : n => r.arn }
}

output "exec_role_arns" {
  description = "ARNs of the worker's exec roles, by kind of action."
  value       = { for n, r in aws_iam_role.exec : n => r.arn }
}

output "access_entries" {
  description = "What the eks module takes as access_entries: people's roles with their Kubernetes groups."
  value = { for n, p in local.people : n => {
    principal_arn = aws_iam_role.people[n].arn
    groups        = p.group == null ? [] : [p.group]
    admin         = n == "break-glass"
  } }
}

output "secrets_role_arns" {
  description = "ARNs of the roles that bring secrets, by team, for the namespaces' SecretStores."
  value       = { for t, r in aws_iam_role.secrets : t => r.arn }
}
