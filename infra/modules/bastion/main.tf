# A small machine inside the network, for looking at what cannot be reached from outside. No port is open to it.
data "aws_partition" "current" {}

data "aws_ssm_parameter" "image" {
  name = var.ami_parameter
}

locals {
  over_ssh = var.transfer_mode == "file_provisioner"
  folder   = "/opt/platform/manifests"
  from_s3  = var.transfer_mode == "ssm_s3"
  cloud_config = {
    write_files = var.transfer_mode != "cloud_init" ? [] : [for file, text in var.manifests : {
      path        = "${local.folder}/${file}"
      permissions = "0444"
      encoding    = "b64"
      content     = base64encode(text)
    }]
    runcmd = var.cluster_name == null ? [] : [["sh", "-c", "aws eks update-kubeconfig --name ${var.cluster_name} --kubeconfig /opt/platform/kubeconfig && chmod 0444 /opt/platform/kubeconfig"]]
  }
}

resource "aws_security_group" "this" {
  name        = "${local.id}-bastion"
  description = "Bastion of ${local.id}: nobody comes in"
  vpc_id      = var.vpc_id
  tags        = merge(local.tags, { Name = "${local.id}-bastion" })
}

resource "aws_vpc_security_group_egress_rule" "tls" {
  security_group_id = aws_security_group.this.id
  description       = "Session Manager, S3 and the Kubernetes API"
  cidr_ipv4         = "0.0.0.0/0"
  ip_protocol       = "tcp"
  from_port         = 443
  to_port           = 443
  tags              = local.tags
}

resource "aws_vpc_security_group_ingress_rule" "ssh" {
  count = local.over_ssh ? 1 : 0

  security_group_id = aws_security_group.this.id
  description       = "SSH for the transfer of manifests"
  cidr_ipv4         = var.ssh_cidr
  ip_protocol       = "tcp"
  from_port         = 22
  to_port           = 22
  tags              = local.tags
}

resource "aws_iam_role" "this" {
  name = "${local.id}-bastion"
  tags = local.tags
  assume_role_policy = jsonencode({
    Version   = "2012-10-17"
    Statement = [{ Effect = "Allow", Action = "sts:AssumeRole", Principal = { Service = "ec2.amazonaws.com" } }]
  })
}

resource "aws_iam_role_policy_attachment" "ssm" {
  role       = aws_iam_role.this.name
  policy_arn = "arn:${data.aws_partition.current.partition}:iam::aws:policy/AmazonSSMManagedInstanceCore"
}

resource "aws_iam_role_policy" "manifests" {
  count = local.from_s3 ? 1 : 0

  name = "read-manifests"
  role = aws_iam_role.this.id
  policy = jsonencode({
    Version   = "2012-10-17"
    Statement = [{ Effect = "Allow", Action = "s3:GetObject", Resource = "arn:${data.aws_partition.current.partition}:s3:::${var.manifest_bucket}/manifests/${local.id}/*" }]
  })
}

resource "aws_s3_object" "manifest" {
  for_each = local.from_s3 ? var.manifests : {}

  bucket  = var.manifest_bucket
  key     = "manifests/${local.id}/${each.key}"
  content = each.value
  tags    = local.tags
}

# Fetches what is in the bucket now and again every half hour, so that a changed manifest arrives without a new machine.
resource "aws_ssm_association" "manifests" {
  count = local.from_s3 ? 1 : 0

  association_name    = "${local.id}-manifests"
  name                = "AWS-RunShellScript"
  schedule_expression = "rate(30 minutes)"
  parameters = {
    commands = "mkdir -p ${local.folder} && aws s3 sync --delete s3://${var.manifest_bucket}/manifests/${local.id}/ ${local.folder}/"
  }
  targets {
    key    = "InstanceIds"
    values = [aws_instance.this.id]
  }

  depends_on = [aws_s3_object.manifest]
}

resource "aws_iam_instance_profile" "this" {
  name = "${local.id}-bastion"
  role = aws_iam_role.this.name
  tags = local.tags
}

resource "aws_instance" "this" {
  #checkov:skip=CKV_AWS_126:a bastion lives for hours; basic monitoring is enough (owner: platform)
  ami                         = nonsensitive(data.aws_ssm_parameter.image.value)
  instance_type               = var.instance_type
  subnet_id                   = var.subnet_id
  vpc_security_group_ids      = [aws_security_group.this.id]
  iam_instance_profile        = aws_iam_instance_profile.this.name
  associate_public_ip_address = false
  key_name                    = local.over_ssh ? var.ssh_key_name : null
  ebs_optimized               = true
  user_data                   = "#cloud-config\n${yamlencode(local.cloud_config)}"
  user_data_replace_on_change = true # it is read at the first start only: a changed manifest means a new bastion
  tags                        = merge(local.tags, { Name = "${local.id}-bastion" })

  metadata_options {
    http_endpoint               = "enabled"
    http_tokens                 = "required"
    http_put_response_hop_limit = 1
  }

  root_block_device {
    volume_type = "gp3"
    volume_size = 10
    encrypted   = true
  }

  lifecycle {
    ignore_changes = [ami] # a newer image is taken with the next bastion, not by surprise
  }
}

# The way of the older platform, kept for networks without Session Manager. It needs SSH from where Terraform runs.
resource "terraform_data" "over_ssh" {
  for_each = local.over_ssh ? var.manifests : {}

  triggers_replace = [aws_instance.this.id, sha256(each.value)]

  connection {
    type        = "ssh"
    host        = aws_instance.this.private_ip
    user        = "ec2-user"
    private_key = file(var.ssh_private_key_file)
  }

  provisioner "file" {
    content     = each.value
    destination = "/home/ec2-user/${each.key}"
  }
}
