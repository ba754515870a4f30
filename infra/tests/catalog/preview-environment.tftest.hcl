mock_provider "helm" {}

variables {
  name             = "shop"
  team             = "shop"
  service          = "checkout"
  image_repository = "registry.example.org/shop/checkout"
  image_digest     = "sha256:aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa"
  host             = "checkout-42.preview.example.org"
  chart_registry   = "oci://registry.example.org/charts"
  expires_at       = "2027-01-31T18:00:00Z"
}

run "plans_a_namespace_and_a_service" {
  command = plan

  assert {
    condition     = yamldecode(helm_release.namespace.values[0]).expiresAt == "2027-01-31T18:00:00Z"
    error_message = "the namespace knows its end"
  }

  assert {
    condition     = yamldecode(helm_release.service.values[0]).image.digest == var.image_digest
    error_message = "the image is given by digest"
  }

  assert {
    condition     = helm_release.service.atomic && helm_release.namespace.namespace == "slipway-releases"
    error_message = "a failed release goes back; the namespace is the portal's release"
  }
}

run "a_schema_of_its_own" {
  command = plan
  variables {
    database_secret = "platform/shop/preview/db"
    migrate_command = ["/app", "migrate"]
  }

  assert {
    condition     = yamldecode(helm_release.service.values[0]).env.DATABASE_SCHEMA == "preview_shop"
    error_message = "the schema is named after the preview"
  }
}

run "refuses_a_tag" {
  command = plan
  variables {
    image_digest = "latest"
  }
  expect_failures = [var.image_digest]
}

run "refuses_a_tag_in_the_repository" {
  command = plan
  variables {
    image_repository = "registry.example.org/shop/checkout:v1"
  }
  expect_failures = [var.image_repository]
}

run "refuses_an_unknown_size" {
  command = plan
  variables {
    size = "XXL"
  }
  expect_failures = [var.size]
}

run "refuses_a_host_that_is_none" {
  command = plan
  variables {
    host = "checkout"
  }
  expect_failures = [var.host]
}

run "refuses_a_chart_by_path" {
  command = plan
  variables {
    chart_registry = "./charts"
  }
  expect_failures = [var.chart_registry]
}

run "refuses_a_range" {
  command = plan
  variables {
    chart_version = "^1"
  }
  expect_failures = [var.chart_version]
}
