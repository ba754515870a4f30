output "connector_security_group_id" {
  description = "Security group of the connectors, as a client of the Kubernetes API."
  value       = aws_security_group.connector.id
}

output "remote_network_id" {
  description = "Twingate's id of the network."
  value       = twingate_remote_network.this.id
}
