mock_provider "aws" {
  source = "./tests/mocks"
}

run "nobody_comes_in" {
  command = plan

  assert {
    condition     = length(aws_vpc_security_group_ingress_rule.ssh) == 0
    error_message = "no port may be open"
  }

  assert {
    condition     = !aws_instance.this.associate_public_ip_address
    error_message = "no public address"
  }

  assert {
    condition     = aws_instance.this.metadata_options[0].http_tokens == "required" && aws_instance.this.metadata_options[0].http_put_response_hop_limit == 1
    error_message = "credentials only with a token"
  }

  assert {
    condition     = aws_instance.this.root_block_device[0].encrypted
    error_message = "the disk is encrypted"
  }

  assert {
    condition     = aws_vpc_security_group_egress_rule.tls.from_port == 443 && aws_vpc_security_group_egress_rule.tls.to_port == 443
    error_message = "only TLS goes out"
  }

  assert {
    condition     = aws_instance.this.tags["portal:team"] == "shop"
    error_message = "resources name their team"
  }
}

run "manifests_travel_with_the_instance" {
  command = plan

  variables {
    manifests = {
      "store.yaml" = <<-Y
        apiVersion: external-secrets.io/v1
        kind: SecretStore
        metadata: { name: shop }
      Y
    }
    cluster_name = "shop-dev"
  }

  assert {
    condition     = yamldecode(aws_instance.this.user_data).write_files[0].path == "/opt/platform/manifests/store.yaml"
    error_message = "the manifest is written"
  }

  assert {
    condition     = yamldecode(base64decode(yamldecode(aws_instance.this.user_data).write_files[0].content)).kind == "SecretStore"
    error_message = "as it was given"
  }

  assert {
    condition     = aws_instance.this.user_data_replace_on_change
    error_message = "a changed manifest is not ignored"
  }
}

run "manifests_come_from_a_bucket" {
  command = plan

  variables {
    manifests = {
      "store.yaml" = <<-Y
        apiVersion: external-secrets.io/v1
        kind: SecretStore
        metadata: { name: shop }
      Y
    }
    transfer_mode   = "ssm_s3"
    manifest_bucket = "shop-manifests"
  }

  assert {
    condition     = aws_s3_object.manifest["store.yaml"].key == "manifests/shop-dev/store.yaml"
    error_message = "the manifest lies in the bucket"
  }

  assert {
    condition     = endswith(jsondecode(aws_iam_role_policy.manifests[0].policy).Statement[0].Resource, ":::shop-manifests/manifests/shop-dev/*")
    error_message = "the bastion reads its own manifests only"
  }

  assert {
    condition     = length(yamldecode(aws_instance.this.user_data).write_files) == 0
    error_message = "and not with the instance too"
  }
}

run "ssh_only_from_inside" {
  command = plan

  variables {
    manifests = {
      "store.yaml" = <<-Y
        apiVersion: external-secrets.io/v1
        kind: SecretStore
        metadata: { name: shop }
      Y
    }
    transfer_mode        = "file_provisioner"
    ssh_key_name         = "k"
    ssh_private_key_file = "/dev/null"
    ssh_cidr             = "10.20.0.0/16"
  }

  assert {
    condition     = aws_vpc_security_group_ingress_rule.ssh[0].cidr_ipv4 == "10.20.0.0/16" && length(terraform_data.over_ssh) == 1
    error_message = "SSH from the private range, when chosen"
  }
}

run "refuses_ssh_from_the_internet" {
  command = plan

  variables {
    transfer_mode        = "file_provisioner"
    ssh_key_name         = "k"
    ssh_private_key_file = "/dev/null"
    ssh_cidr             = "0.0.0.0/0"
  }
  expect_failures = [var.ssh_cidr]
}

run "refuses_ssh_without_a_range" {
  command = plan

  variables {
    transfer_mode        = "file_provisioner"
    ssh_key_name         = "k"
    ssh_private_key_file = "/dev/null"
  }
  expect_failures = [var.transfer_mode]
}

run "refuses_an_unknown_way" {
  command = plan

  variables {
    transfer_mode = "ftp"
  }
  expect_failures = [var.transfer_mode]
}

run "refuses_a_bucket_way_without_bucket" {
  command = plan

  variables {
    transfer_mode = "ssm_s3"
  }
  expect_failures = [var.transfer_mode]
}

run "refuses_a_large_instance" {
  command = plan

  variables {
    instance_type = "m7i.24xlarge"
  }
  expect_failures = [var.instance_type]
}

run "refuses_an_image_of_somebody_else" {
  command = plan

  variables {
    ami_parameter = "/mine/image"
  }
  expect_failures = [var.ami_parameter]
}

run "refuses_manifests_over_the_limit" {
  command = plan

  variables {
    manifests = { "big.yaml" = "kind: SecretStore\nmetadata: { name: ${join("", [for i in range(1000) : "0123456789abcdef"])} }" }
  }
  expect_failures = [var.manifests]
}

run "refuses_a_secret" {
  command = plan

  variables {
    manifests = { "secret.yaml" = "kind: Secret\nstringData: { a: b }" }
  }
  expect_failures = [var.manifests]
}

run "refuses_what_is_no_yaml" {
  command = plan

  variables {
    manifests = { "bad.yaml" = "a: b: c" }
  }
  expect_failures = [var.manifests]
}

run "refuses_a_path" {
  command = plan

  variables {
    manifests = { "../store.yaml" = "kind: SecretStore" }
  }
  expect_failures = [var.manifests]
}
