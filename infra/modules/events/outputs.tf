output "queue_arn" {
  description = "ARN of the queue that the portal's worker reads."
  value       = aws_sqs_queue.this.arn
}

output "queue_url" {
  description = "Address of the queue."
  value       = aws_sqs_queue.this.id
}

output "failed_queue_arn" {
  description = "ARN of the queue with what could not be delivered or read."
  value       = aws_sqs_queue.failed.arn
}

output "deploy_bus_name" {
  description = "Name of the bus to which the deploy step reports."
  value       = aws_cloudwatch_event_bus.deploy.name
}

output "deploy_bus_arn" {
  description = "ARN of the bus to which the deploy step reports."
  value       = aws_cloudwatch_event_bus.deploy.arn
}
