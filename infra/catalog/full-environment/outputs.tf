output "vpc_id" {
  description = "Id of the network."
  value       = module.network.vpc_id
}

output "cluster_name" {
  description = "Name of the cluster."
  value       = module.cluster.cluster_name
}

output "database_address" {
  description = "Host name of the database."
  value       = module.database.address
}

output "database_secret_arn" {
  description = "ARN of the secret with the database's password."
  value       = module.database.secret_arn
}

output "buckets" {
  description = "Names of the buckets."
  value       = flatten(module.buckets[*].bucket_names)
}
