# One role per team, through which External Secrets brings that team's secrets. The session says for which namespace it
# was opened (sessionTagsPolicy: Simple in the SecretStore), and only the team's own namespaces are accepted, by exact
# name: "shop" is also the beginning of "shop-admin".
resource "aws_iam_role" "secrets" {
  for_each = var.external_secrets_role_arn == null ? {} : var.teams

  name                 = "eso-${each.key}"
  path                 = "/platform/"
  description          = "Brings the secrets of team ${each.key} into its namespaces"
  permissions_boundary = var.boundary_arn
  tags                 = merge(local.tags, { "portal:team" = each.key })
  assume_role_policy = jsonencode({
    Version = "2012-10-17"
    Statement = [{
      Effect    = "Allow"
      Action    = ["sts:AssumeRole", "sts:TagSession"]
      Principal = { AWS = var.external_secrets_role_arn }
      Condition = { StringEquals = { "aws:RequestTag/esoNamespace" = each.value.namespaces } }
    }]
  })
}

resource "aws_iam_role_policy" "secrets" {
  for_each = aws_iam_role.secrets

  name = "read-own-secrets"
  role = each.value.id
  policy = jsonencode({
    Version = "2012-10-17"
    Statement = [
      {
        Effect   = "Allow"
        Action   = ["secretsmanager:GetSecretValue", "secretsmanager:DescribeSecret"]
        Resource = "arn:${local.partition}:secretsmanager:${local.region}:${local.account}:secret:${var.secret_prefix}${each.key}/*"
      },
      {
        # The environment's key, but only as far as Secrets Manager asks for it.
        Effect    = "Allow"
        Action    = "kms:Decrypt"
        Resource  = "arn:${local.partition}:kms:${local.region}:${local.account}:key/*"
        Condition = { StringEquals = { "kms:ViaService" = "secretsmanager.${local.region}.amazonaws.com" } }
      },
    ]
  })
}
