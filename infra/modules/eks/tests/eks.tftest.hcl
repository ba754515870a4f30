mock_provider "aws" {
  source = "./tests/mocks"
}

run "defaults_are_private" {
  command = plan

  assert {
    condition     = !aws_eks_cluster.this.vpc_config[0].endpoint_public_access && aws_eks_cluster.this.vpc_config[0].endpoint_private_access
    error_message = "the API must have no public address"
  }

  assert {
    condition     = !aws_eks_cluster.this.access_config[0].bootstrap_cluster_creator_admin_permissions
    error_message = "the creator must have no hidden way in"
  }

  assert {
    condition     = aws_eks_cluster.this.access_config[0].authentication_mode == "API"
    error_message = "access entries alone decide"
  }

  assert {
    condition     = aws_eks_cluster.this.enabled_cluster_log_types == toset(["api", "audit", "authenticator", "controllerManager", "scheduler"])
    error_message = "all five logs are on"
  }

  assert {
    condition     = aws_eks_cluster.this.encryption_config[0].resources == toset(["secrets"])
    error_message = "Secrets are encrypted"
  }

  assert {
    condition     = aws_eks_cluster.this.upgrade_policy[0].support_type == "STANDARD"
    error_message = "no extended support by surprise"
  }

  assert {
    condition     = aws_cloudwatch_log_group.cluster.retention_in_days == 365
    error_message = "logs are kept for a year"
  }

  assert {
    condition     = length(aws_vpc_security_group_ingress_rule.api) == 0
    error_message = "nobody reaches the API until named"
  }

  assert {
    condition     = aws_kms_key.own[0].enable_key_rotation
    error_message = "the key rotates"
  }

  assert {
    condition     = aws_eks_cluster.this.tags["portal:team"] == "shop"
    error_message = "resources name their team"
  }
}

run "nodes_are_guarded" {
  command = plan

  assert {
    condition     = aws_launch_template.node["general"].metadata_options[0].http_tokens == "required" && aws_launch_template.node["general"].metadata_options[0].http_put_response_hop_limit == 1
    error_message = "pods must not reach the credentials of their node"
  }

  assert {
    condition     = aws_launch_template.node["general"].block_device_mappings[0].ebs[0].encrypted == "true" && aws_launch_template.node["general"].block_device_mappings[0].ebs[0].volume_type == "gp3"
    error_message = "disks are encrypted"
  }

  assert {
    condition     = contains(keys(aws_iam_role_policy_attachment.node), "AmazonEC2ContainerRegistryPullOnly")
    error_message = "nodes pull and do not push"
  }

  assert {
    condition     = aws_eks_node_group.this["general"].ami_type == "AL2023_x86_64_STANDARD"
    error_message = "the image is a current one"
  }
}

run "access_is_named" {
  command = plan

  variables {
    access_entries = { ops = { principal_arn = "arn:aws:iam::111122223333:role/platform-ops", admin = true }, dev = { principal_arn = "arn:aws:iam::111122223333:role/team-shop-dev", groups = ["portal:shop:edit"] } }
  }

  assert {
    condition     = length(aws_eks_access_entry.this) == 2 && keys(aws_eks_access_policy_association.admin) == ["ops"]
    error_message = "only the named administrator is one"
  }

  assert {
    condition     = aws_eks_access_entry.this["dev"].kubernetes_groups == toset(["portal:shop:edit"])
    error_message = "others get their groups"
  }

  assert {
    condition     = aws_eks_access_entry.this["dev"].user_name == "sso:{{SessionNameRaw}}"
    error_message = "the audit log names people"
  }
}

run "add_ons_and_identities" {
  command = plan

  variables {
    pod_identities = { worker = { namespace = "slipway", service_account = "slipway-worker", role_arn = "arn:aws:iam::111122223333:role/platform/worker" } }
  }

  assert {
    condition     = keys(aws_eks_addon.this) == ["aws-ebs-csi-driver", "coredns", "eks-pod-identity-agent", "kube-proxy", "vpc-cni"]
    error_message = "the five add-ons"
  }

  assert {
    condition     = aws_eks_pod_identity_association.this["ebs-csi"].service_account == "ebs-csi-controller-sa" && aws_eks_pod_identity_association.this["ebs-csi"].namespace == "kube-system"
    error_message = "the disk driver has an identity of its own"
  }

  assert {
    condition     = aws_eks_pod_identity_association.this["worker"].service_account == "slipway-worker"
    error_message = "the identity is bound to one service account"
  }
}

run "named_clients_reach_the_api" {
  command = plan

  variables {
    api_client_sg_ids = { vpn = "sg-1" }
  }

  assert {
    condition     = aws_vpc_security_group_ingress_rule.api["vpn"].from_port == 443 && aws_vpc_security_group_ingress_rule.api["vpn"].cidr_ipv4 == null
    error_message = "by group, on 443 only"
  }
}

run "refuses_an_old_version" {
  command = plan

  variables {
    kubernetes_version = "1.29"
  }
  expect_failures = [var.kubernetes_version]
}

run "refuses_a_version_that_does_not_exist" {
  command = plan

  variables {
    kubernetes_version = "1.99"
  }
  expect_failures = [var.kubernetes_version]
}

run "refuses_one_subnet" {
  command = plan

  variables {
    subnet_ids = ["subnet-1", "subnet-1"]
  }
  expect_failures = [var.subnet_ids]
}

run "refuses_no_nodes" {
  command = plan

  variables {
    node_groups = {}
  }
  expect_failures = [var.node_groups]
}

run "refuses_min_above_max" {
  command = plan

  variables {
    node_groups = { general = { min = 5, desired = 5, max = 3 } }
  }
  expect_failures = [var.node_groups]
}

run "refuses_desired_below_min" {
  command = plan

  variables {
    node_groups = { general = { min = 3, desired = 1 } }
  }
  expect_failures = [var.node_groups]
}

run "refuses_one_node_in_production" {
  command = plan

  variables {
    environment = "prod"
    node_groups = { general = { min = 1, desired = 1 } }
  }
  expect_failures = [var.node_groups]
}

run "refuses_a_small_disk" {
  command = plan

  variables {
    node_groups = { general = { disk_gb = 8 } }
  }
  expect_failures = [var.node_groups]
}

run "refuses_a_cluster_without_administrator" {
  command = plan

  variables {
    access_entries = { dev = { principal_arn = "arn:aws:iam::111122223333:role/platform-ops" } }
  }
  expect_failures = [var.access_entries]
}

run "refuses_a_group_of_kubernetes" {
  command = plan

  variables {
    access_entries = { ops = { principal_arn = "arn:aws:iam::111122223333:role/platform-ops", admin = true }, x = { principal_arn = "arn:aws:iam::111122223333:role/x", groups = ["system:masters"] } }
  }
  expect_failures = [var.access_entries]
}

run "refuses_a_user" {
  command = plan

  variables {
    access_entries = { ops = { principal_arn = "arn:aws:iam::111122223333:role/platform-ops", admin = true }, x = { principal_arn = "arn:aws:iam::111122223333:user/x" } }
  }
  expect_failures = [var.access_entries]
}

run "refuses_a_role_for_the_default_account" {
  command = plan

  variables {
    pod_identities = { x = { namespace = "a", service_account = "default", role_arn = "arn:aws:iam::111122223333:role/platform-ops" } }
  }
  expect_failures = [var.pod_identities]
}

run "refuses_missing_add_ons" {
  command = plan

  variables {
    addons = { coredns = null }
  }
  expect_failures = [var.addons]
}

run "refuses_a_retention_that_aws_does_not_know" {
  command = plan

  variables {
    log_retention = 42
  }
  expect_failures = [var.log_retention]
}
