output "vpc_id" {
  description = "Id of the network."
  value       = aws_vpc.this.id
}

output "cidr" {
  description = "Address range of the network."
  value       = aws_vpc.this.cidr_block
}

output "public_subnet_ids" {
  description = "Ids of the two public subnets, in the order of the zones."
  value       = [for az in var.azs : aws_subnet.public[az].id]
}

output "private_subnet_ids" {
  description = "Ids of the two private subnets, in the order of the zones."
  value       = [for az in var.azs : aws_subnet.private[az].id]
}

output "private_route_table_ids" {
  description = "Ids of the private route tables, to which peerings are added."
  value       = [for az in var.azs : aws_route_table.private[az].id]
}

output "nat_ips" {
  description = "Public addresses from which the network reaches the internet, for other people's allow-lists."
  value       = [for e in aws_eip.nat : e.public_ip]
}

output "flow_log_group" {
  description = "Name of the CloudWatch log group with the network's flows."
  value       = aws_cloudwatch_log_group.flow.name
}
