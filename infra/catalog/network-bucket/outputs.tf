output "vpc_id" {
  description = "The VPC."
  value       = aws_vpc.main.id
}

output "public_subnet_ids" {
  description = "The public subnets, by zone."
  value       = { for zone, subnet in aws_subnet.public : zone => subnet.id }
}

output "private_subnet_ids" {
  description = "The private subnets, by zone."
  value       = { for zone, subnet in aws_subnet.private : zone => subnet.id }
}

output "bucket" {
  description = "The bucket's name."
  value       = aws_s3_bucket.main.bucket
}

output "bucket_arn" {
  description = "The bucket's full name, for policies."
  value       = aws_s3_bucket.main.arn
}
