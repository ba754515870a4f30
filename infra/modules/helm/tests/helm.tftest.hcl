# The provider's schema is derived from its published bindings (infra/lab/build-helm-provider.sh); nothing is installed.
mock_provider "helm" {}

variables {
  addons_file = "../../monitoring/addons.yaml"
  cluster     = { name = "shop-dev", region = "eu-west-1", dns_domain = "dev.example.org", registry = "registry.example.org", environment = "dev" }
}

run "everything_is_pinned_and_goes_back_by_itself" {
  command = plan

  assert {
    condition     = length(helm_release.first) == 2 && length(helm_release.addon) == 4
    error_message = "two add-ons bring definitions that the other four use"
  }
  assert {
    condition     = alltrue([for r in concat(values(helm_release.first), values(helm_release.addon)) : r.atomic && r.wait])
    error_message = "a failed upgrade must go back by itself"
  }
  assert {
    condition     = alltrue([for r in concat(values(helm_release.first), values(helm_release.addon)) : can(regex("^[0-9]+\\.[0-9]+\\.[0-9]+$", r.version)) && r.repository == "oci://registry.example.org/charts"])
    error_message = "exact versions from our own registry"
  }
  assert {
    condition     = yamldecode(helm_release.addon["external-dns"].values[0]).policy == "sync" && yamldecode(helm_release.addon["external-dns"].values[0]).txtOwnerId == "shop-dev"
    error_message = "outside production records follow the cluster, under its mark"
  }
}

run "production_never_deletes_names" {
  command = plan
  variables {
    cluster = { name = "shop-prod", region = "eu-west-1", dns_domain = "example.org", registry = "registry.example.org", environment = "prod" }
  }
  assert {
    condition     = yamldecode(helm_release.addon["external-dns"].values[0]).policy == "upsert-only"
    error_message = "in production records are written and never deleted"
  }
}

run "only_what_is_enabled" {
  command = plan
  variables {
    enabled = ["external-dns"]
  }
  assert {
    condition     = keys(helm_release.addon) == ["external-dns"] && length(helm_release.first) == 0
    error_message = "only what was enabled"
  }
}

run "refuses_a_missing_file" {
  command = plan
  variables {
    addons_file = "none.yaml"
  }
  expect_failures = [var.addons_file]
}

run "refuses_a_range_of_versions" {
  command = plan
  variables {
    addons_file = "tests/range.yaml"
    enabled     = ["a"]
  }
  expect_failures = [var.addons_file]
}

run "refuses_an_unknown_add_on" {
  command = plan
  variables {
    enabled = ["external-dnss"]
  }
  expect_failures = [var.enabled]
}

run "refuses_an_unknown_environment" {
  command = plan
  variables {
    cluster = { name = "x", region = "eu-west-1", dns_domain = "x.org", registry = "r", environment = "live" }
  }
  expect_failures = [var.cluster]
}
