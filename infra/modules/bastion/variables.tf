variable "instance_type" {
  description = "Size of the bastion."
  type        = string
  default     = "t4g.micro"

  validation {
    condition     = contains(["t4g.nano", "t4g.micro", "t4g.small", "t3.micro", "t3.small"], var.instance_type)
    error_message = "The size must be one of t4g.nano, t4g.micro, t4g.small, t3.micro, t3.small."
  }
}

variable "vpc_id" {
  description = "Id of the network."
  type        = string
}

variable "subnet_id" {
  description = "Id of a private subnet. People come in through Session Manager, so no public address is needed."
  type        = string
}

variable "ami_parameter" {
  description = "SSM parameter with the image's id. AWS keeps it at its newest patched image."
  type        = string
  default     = "/aws/service/ami-amazon-linux-latest/al2023-ami-kernel-default-arm64"

  validation {
    condition     = startswith(var.ami_parameter, "/aws/service/ami-amazon-linux-latest/")
    error_message = "The image must be one of AWS's own (/aws/service/ami-amazon-linux-latest/…)."
  }
}

variable "cluster_name" {
  description = "Cluster to which the manifests belong; its name is written into the bastion's kubeconfig."
  type        = string
  default     = null
}

variable "manifests" {
  description = "Manifests (ExternalSecret, SecretStore) to have on the bastion, by file name. They name secrets; they never hold values."
  type        = map(string)
  default     = {}

  validation {
    condition     = sum(concat([0], [for m in values(var.manifests) : length(m)])) <= 12288
    error_message = "The manifests must have 12 KiB together at most (EC2 passes no more than 16 KiB to an instance); choose ssm_s3 and hand over fewer."
  }
  validation {
    condition     = alltrue([for f in keys(var.manifests) : can(regex("^[a-z0-9][a-z0-9-]{0,60}\\.yaml$", f))])
    error_message = "A manifest's file name must be lower-case letters, digits and hyphens, and end with .yaml; no folders."
  }
  validation {
    condition     = alltrue([for m in values(var.manifests) : can(yamldecode(m)) && try(contains(["ExternalSecret", "SecretStore", "ClusterSecretStore"], yamldecode(m).kind), false)])
    error_message = "Every manifest must be valid YAML of the kind ExternalSecret, SecretStore or ClusterSecretStore: a Secret with a value has no place here."
  }
}

variable "transfer_mode" {
  description = "How the manifests get there: cloud_init (with the instance), ssm_s3 (from a bucket, also later), file_provisioner (over SSH; needs ssh_cidr)."
  type        = string
  default     = "cloud_init"

  validation {
    condition     = contains(["cloud_init", "ssm_s3", "file_provisioner"], var.transfer_mode)
    error_message = "The transfer mode must be cloud_init, ssm_s3 or file_provisioner."
  }
  validation {
    condition     = var.transfer_mode != "file_provisioner" || (var.ssh_cidr != null && var.ssh_key_name != null && var.ssh_private_key_file != null)
    error_message = "file_provisioner needs ssh_cidr, ssh_key_name and ssh_private_key_file. Prefer cloud_init, which needs no SSH."
  }
  validation {
    condition     = var.transfer_mode != "ssm_s3" || var.manifest_bucket != null
    error_message = "ssm_s3 needs manifest_bucket."
  }
}

variable "manifest_bucket" {
  description = "Bucket from which the manifests are fetched; needed with ssm_s3."
  type        = string
  default     = null
}

variable "ssh_cidr" {
  description = "Private address range from which SSH is allowed; only with file_provisioner."
  type        = string
  default     = null

  validation {
    condition     = var.ssh_cidr == null || (can(cidrhost(var.ssh_cidr, 0)) && can(regex("^(10\\.|192\\.168\\.|172\\.(1[6-9]|2[0-9]|3[01])\\.)", var.ssh_cidr)))
    error_message = "SSH may be allowed from a private address range only, never from the internet."
  }
}

variable "ssh_key_name" {
  description = "Name of the EC2 key pair; only with file_provisioner."
  type        = string
  default     = null
}

variable "ssh_private_key_file" {
  description = "Path of the private key on the machine that applies; only with file_provisioner. Its contents are not stored."
  type        = string
  default     = null
}
