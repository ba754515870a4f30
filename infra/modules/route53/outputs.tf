output "zone_id" {
  description = "Id of the zone."
  value       = aws_route53_zone.this.zone_id
}

output "zone_name" {
  description = "Name of the zone."
  value       = aws_route53_zone.this.name
}

output "name_servers" {
  description = "Name servers that the parent domain must name (delegation)."
  value       = aws_route53_zone.this.name_servers
}

output "certificate_arn" {
  description = "ARN of the certificate; null when none was asked for. Usable once delegated is true."
  value       = one(aws_acm_certificate.this[*].arn)
}
