output "instance_id" {
  description = "Id of the bastion, for aws ssm start-session --target."
  value       = aws_instance.this.id
}

output "security_group_id" {
  description = "Security group of the bastion, for example as a client of the Kubernetes API."
  value       = aws_security_group.this.id
}

output "manifest_folder" {
  description = "Folder on the bastion in which the manifests lie."
  value       = local.over_ssh ? "/home/ec2-user" : local.folder
}
