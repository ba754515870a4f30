# The only way in for people: two connectors that dial out, so that no port of the network is open.
data "aws_partition" "current" {}

resource "twingate_remote_network" "this" {
  name     = local.id
  location = "AWS"
}

resource "twingate_connector" "this" {
  count = var.connector_count

  remote_network_id = twingate_remote_network.this.id
  name              = "${local.id}-${count.index + 1}"
}

resource "twingate_connector_tokens" "this" {
  count = var.connector_count

  connector_id = twingate_connector.this[count.index].id
}

resource "aws_secretsmanager_secret" "tokens" {
  #checkov:skip=CKV2_AWS_57:tokens are renewed by replacing the connector; nothing can rotate them alone (owner: platform)
  count = var.connector_count

  name        = "platform/twingate/${local.id}-${count.index + 1}"
  description = "Tokens of VPN connector ${count.index + 1}"
  kms_key_id  = var.kms_key_arn
  tags        = local.tags
}

resource "aws_secretsmanager_secret_version" "tokens" {
  count = var.connector_count

  secret_id                = aws_secretsmanager_secret.tokens[count.index].id
  secret_string_wo_version = 1
  secret_string_wo = jsonencode({
    access  = twingate_connector_tokens.this[count.index].access_token
    refresh = twingate_connector_tokens.this[count.index].refresh_token
  })
}

resource "aws_security_group" "connector" {
  name        = "${local.id}-vpn-connector"
  description = "VPN connectors of ${local.id}: they dial out, nobody comes in"
  vpc_id      = var.vpc_id
  tags        = merge(local.tags, { Name = "${local.id}-vpn-connector" })
}

resource "aws_vpc_security_group_egress_rule" "connector" {
  for_each = { tls = { protocol = "tcp", from = 443, to = 443 }, relay = { protocol = "tcp", from = 30000, to = 31000 }, direct = { protocol = "udp", from = 1, to = 65535 } }

  security_group_id = aws_security_group.connector.id
  description       = "VPN ${each.key}"
  cidr_ipv4         = "0.0.0.0/0"
  ip_protocol       = each.value.protocol
  from_port         = each.value.from
  to_port           = each.value.to
  tags              = local.tags
}

resource "aws_iam_role" "connector" {
  name = "${local.id}-vpn-connector"
  tags = local.tags
  assume_role_policy = jsonencode({
    Version   = "2012-10-17"
    Statement = [{ Effect = "Allow", Action = "sts:AssumeRole", Principal = { Service = "ec2.amazonaws.com" } }]
  })
}

resource "aws_iam_role_policy" "connector" {
  name = "read-own-tokens"
  role = aws_iam_role.connector.id
  policy = jsonencode({
    Version = "2012-10-17"
    Statement = [
      { Effect = "Allow", Action = "secretsmanager:GetSecretValue", Resource = aws_secretsmanager_secret.tokens[*].arn },
      { Effect = "Allow", Action = "kms:Decrypt", Resource = var.kms_key_arn },
    ]
  })
}

resource "aws_iam_instance_profile" "connector" {
  name = "${local.id}-vpn-connector"
  role = aws_iam_role.connector.name
  tags = local.tags
}

resource "aws_instance" "connector" {
  #checkov:skip=CKV_AWS_126:Twingate itself reports a connector that is gone (owner: platform)
  count = var.connector_count

  ami                         = var.ami_id
  instance_type               = "t3a.micro"
  subnet_id                   = var.subnet_ids[count.index % length(var.subnet_ids)]
  vpc_security_group_ids      = [aws_security_group.connector.id]
  iam_instance_profile        = aws_iam_instance_profile.connector.name
  associate_public_ip_address = false
  ebs_optimized               = true
  user_data_replace_on_change = true
  tags                        = merge(local.tags, { Name = "${local.id}-vpn-connector-${count.index + 1}" })

  # The tokens are fetched at start and never part of the instance's data.
  user_data = <<-SH
    #!/bin/sh
    set -eu
    t=$(aws secretsmanager get-secret-value --secret-id ${aws_secretsmanager_secret.tokens[count.index].name} --query SecretString --output text)
    umask 077
    {
      echo TWINGATE_URL=https://${var.network_name}.twingate.com
      echo "TWINGATE_ACCESS_TOKEN=$(echo "$t" | jq -r .access)"
      echo "TWINGATE_REFRESH_TOKEN=$(echo "$t" | jq -r .refresh)"
    } > /etc/twingate/connector.conf
    systemctl enable --now twingate-connector
  SH

  metadata_options {
    http_endpoint               = "enabled"
    http_tokens                 = "required"
    http_put_response_hop_limit = 1
  }

  root_block_device {
    volume_type = "gp3"
    encrypted   = true
  }
}

resource "twingate_resource" "this" {
  for_each = var.resources

  name              = each.key
  address           = each.value.address
  remote_network_id = twingate_remote_network.this.id

  protocols = {
    allow_icmp = false
    tcp        = { policy = "RESTRICTED", ports = ["443"] }
    udp        = { policy = "DENY_ALL" }
  }

  # dynamic, since the provider refuses the block without an entry
  dynamic "access_group" {
    for_each = each.value.group_ids
    content {
      group_id = access_group.value
    }
  }

  access_policy {
    mode          = each.value.on_request ? "ACCESS_REQUEST" : "MANUAL"
    approval_mode = each.value.on_request ? "MANUAL" : null
    duration      = each.value.on_request ? "1h" : null
  }
}
