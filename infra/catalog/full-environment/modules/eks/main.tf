# A Kubernetes cluster with a private API, whose users are named one by one and whose creator has no hidden way in.
locals {
  component    = "cluster"
  key_services = ["logs.${local.region}.amazonaws.com"]
  logs         = ["api", "audit", "authenticator", "controllerManager", "scheduler"]
  trust = { for service in ["eks", "ec2", "pods.eks"] : service => jsonencode({
    Version = "2012-10-17"
    Statement = [{
      Effect    = "Allow"
      Action    = service == "pods.eks" ? ["sts:AssumeRole", "sts:TagSession"] : ["sts:AssumeRole"]
      Principal = { Service = "${service}.amazonaws.com" }
    }]
  }) }
  pod_identities = merge(var.pod_identities, !contains(keys(var.addons), "aws-ebs-csi-driver") ? {} : {
    ebs-csi = { namespace = "kube-system", service_account = "ebs-csi-controller-sa", role_arn = aws_iam_role.ebs_csi[0].arn }
  })
  managed = "arn:${local.partition}:iam::aws:policy"
}

# Made before the cluster: otherwise EKS makes it, without a key and without an end.
resource "aws_cloudwatch_log_group" "cluster" {
  name              = "/aws/eks/${local.id}/cluster"
  retention_in_days = var.log_retention
  kms_key_id        = local.key_arn
  tags              = local.tags
}

resource "aws_iam_role" "cluster" {
  name               = "${local.id}-cluster"
  assume_role_policy = local.trust["eks"]
  tags               = local.tags
}

resource "aws_iam_role_policy_attachment" "cluster" {
  role       = aws_iam_role.cluster.name
  policy_arn = "${local.managed}/AmazonEKSClusterPolicy"
}

# The cluster encrypts Secrets with the key in the name of its own role.
resource "aws_iam_role_policy" "cluster_key" {
  name = "encrypt-secrets"
  role = aws_iam_role.cluster.id
  policy = jsonencode({
    Version   = "2012-10-17"
    Statement = [{ Effect = "Allow", Action = ["kms:Encrypt", "kms:Decrypt", "kms:ListGrants", "kms:DescribeKey"], Resource = local.key_arn }]
  })
}

resource "aws_security_group" "api" {
  name        = "${local.id}-api"
  description = "Kubernetes API of ${local.id}: only named clients come in"
  vpc_id      = var.vpc_id
  tags        = merge(local.tags, { Name = "${local.id}-api" })
}

resource "aws_vpc_security_group_ingress_rule" "api" {
  for_each = var.api_client_sg_ids

  security_group_id            = aws_security_group.api.id
  referenced_security_group_id = each.value
  description                  = "Kubernetes API from ${each.key}"
  ip_protocol                  = "tcp"
  from_port                    = 443
  to_port                      = 443
  tags                         = local.tags
}

resource "aws_eks_cluster" "this" {
  name                      = local.id
  version                   = var.kubernetes_version
  role_arn                  = aws_iam_role.cluster.arn
  enabled_cluster_log_types = local.logs
  tags                      = local.tags

  # Add-ons are named below with their versions, so that none is installed unmanaged first.
  bootstrap_self_managed_addons = false

  vpc_config {
    subnet_ids              = var.subnet_ids
    security_group_ids      = [aws_security_group.api.id]
    endpoint_private_access = true
    endpoint_public_access  = false # deliberately not an input
  }

  access_config {
    authentication_mode                         = "API"
    bootstrap_cluster_creator_admin_permissions = false
  }

  encryption_config {
    resources = ["secrets"]
    provider {
      key_arn = local.key_arn
    }
  }

  upgrade_policy {
    support_type = "STANDARD" # at the end of support AWS upgrades; it does not charge six times as much
  }

  depends_on = [aws_cloudwatch_log_group.cluster, aws_iam_role_policy_attachment.cluster, aws_iam_role_policy.cluster_key]
}

# Kept for tools that know only roles for service accounts (IRSA); new ones use pod identities.
resource "aws_iam_openid_connect_provider" "cluster" {
  url            = aws_eks_cluster.this.identity[0].oidc[0].issuer
  client_id_list = ["sts.amazonaws.com"]
  tags           = local.tags
}

resource "aws_eks_access_entry" "this" {
  for_each = var.access_entries

  cluster_name      = aws_eks_cluster.this.name
  principal_arn     = each.value.principal_arn
  kubernetes_groups = each.value.groups
  user_name         = "sso:{{SessionNameRaw}}" # the person's name in the audit log, not the role's
  tags              = local.tags
}

resource "aws_eks_access_policy_association" "admin" {
  for_each = { for name, e in var.access_entries : name => e if e.admin }

  cluster_name  = aws_eks_cluster.this.name
  principal_arn = aws_eks_access_entry.this[each.key].principal_arn
  policy_arn    = "arn:${local.partition}:eks::aws:cluster-access-policy/AmazonEKSClusterAdminPolicy"

  access_scope {
    type = "cluster"
  }
}

resource "aws_eks_pod_identity_association" "this" {
  for_each = local.pod_identities

  cluster_name    = aws_eks_cluster.this.name
  namespace       = each.value.namespace
  service_account = each.value.service_account
  role_arn        = each.value.role_arn
  tags            = local.tags
}

# The disks' driver needs rights of its own; the nodes have none to lend.
resource "aws_iam_role" "ebs_csi" {
  count = contains(keys(var.addons), "aws-ebs-csi-driver") ? 1 : 0

  name               = "${local.id}-ebs-csi"
  assume_role_policy = local.trust["pods.eks"]
  tags               = local.tags
}

resource "aws_iam_role_policy_attachment" "ebs_csi" {
  count = length(aws_iam_role.ebs_csi)

  role       = aws_iam_role.ebs_csi[0].name
  policy_arn = "${local.managed}/service-role/AmazonEBSCSIDriverPolicy"
}

resource "aws_eks_addon" "this" {
  for_each = var.addons

  cluster_name                = aws_eks_cluster.this.name
  addon_name                  = each.key
  addon_version               = each.value
  resolve_conflicts_on_create = "OVERWRITE"
  resolve_conflicts_on_update = "PRESERVE"
  tags                        = local.tags

  # The driver's pods take their identity when they start, so the association is there first.
  depends_on = [aws_iam_role_policy_attachment.ebs_csi, aws_eks_pod_identity_association.this]
}
