output "pipeline_arns" {
  description = "ARNs of the pipelines, by branch."
  value       = { for b, p in aws_codepipeline.this : b => p.arn }
}

output "upload_role_arn" {
  description = "ARN of the role that GitLab's jobs take (AWS_ROLE_ARN in .gitlab-ci.yml)."
  value       = aws_iam_role.upload.arn
}

output "deploy_role_arns" {
  description = "ARNs of the deploy roles, by environment, for the clusters' access entries and the deploy bus."
  value       = { for e, r in aws_iam_role.deploy : e => r.arn }
}

output "source_keys" {
  description = "Where GitLab uploads to, by branch."
  value       = local.keys
}

output "build_security_group_id" {
  description = "Security group of builds, as a client of the Kubernetes API."
  value       = aws_security_group.build.id
}
