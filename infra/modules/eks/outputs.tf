output "cluster_name" {
  description = "Name of the cluster."
  value       = aws_eks_cluster.this.name
}

output "endpoint" {
  description = "Address of the Kubernetes API, inside the network."
  value       = aws_eks_cluster.this.endpoint
}

output "certificate_authority" {
  description = "Certificate by which clients know the API, in base64."
  value       = aws_eks_cluster.this.certificate_authority[0].data
}

output "oidc_provider_arn" {
  description = "ARN of the cluster's OIDC provider."
  value       = aws_iam_openid_connect_provider.cluster.arn
}

output "node_security_group_id" {
  description = "Security group of the nodes, for example as a database's client."
  value       = aws_eks_cluster.this.vpc_config[0].cluster_security_group_id
}

output "api_security_group_id" {
  description = "Security group in front of the Kubernetes API."
  value       = aws_security_group.api.id
}

output "node_role_arn" {
  description = "ARN of the nodes' role."
  value       = aws_iam_role.node.arn
}
