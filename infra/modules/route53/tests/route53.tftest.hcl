mock_provider "aws" {
  source = "./tests/mocks"
}

run "defaults_are_narrow" {
  command = plan

  assert {
    condition     = length(aws_acm_certificate.this) == 0 && length(aws_route53_record.this) == 0
    error_message = "nothing but the zone"
  }

  assert {
    condition     = contains(aws_route53_record.caa[0].records, "0 issue \"amazon.com\"") && contains(aws_route53_record.caa[0].records, "0 issuewild \";\"")
    error_message = "only one authority may issue, and no wildcard"
  }

  assert {
    condition     = !aws_route53_zone.this.force_destroy
    error_message = "a zone with records is not deleted"
  }

  assert {
    condition     = aws_route53_zone.this.tags["portal:team"] == "shop"
    error_message = "resources name their team"
  }
}

run "a_preview_zone_goes_with_its_records" {
  command = plan

  variables {
    environment = "preview"
  }

  assert {
    condition     = aws_route53_zone.this.force_destroy
    error_message = "records of external-dns must not keep a preview alive"
  }
}

run "a_private_zone" {
  command = plan

  variables {
    private_vpc_ids = ["vpc-1"]
  }

  assert {
    condition     = one(aws_route53_zone.this.vpc).vpc_id == "vpc-1" && length(aws_route53_record.caa) == 0
    error_message = "it is seen in the named network only"
  }
}

run "records_are_made" {
  command = plan

  variables {
    records = { "@" = { type = "TXT", values = ["v=spf1 -all"] }, www = { type = "A", values = ["192.0.2.1"], ttl = 60 } }
  }

  assert {
    condition     = aws_route53_record.this["@"].name == "shop.example.org" && aws_route53_record.this["www"].name == "www.shop.example.org" && aws_route53_record.this["www"].ttl == 60
    error_message = "names are completed by the zone"
  }
}

run "a_certificate_waits_for_delegation" {
  command = plan

  variables {
    certificate       = true
    certificate_names = ["www"]
  }

  assert {
    condition     = aws_acm_certificate.this[0].validation_method == "DNS" && length(aws_acm_certificate_validation.this) == 0 && length(aws_route53_record.proof) == 2
    error_message = "before delegation nobody waits"
  }
}

run "refuses_a_zone_with_a_dot_at_the_end" {
  command = plan

  variables {
    zone_name = "shop.example.org."
  }
  expect_failures = [var.zone_name]
}

run "refuses_a_single_word" {
  command = plan

  variables {
    zone_name = "shop"
  }
  expect_failures = [var.zone_name]
}

run "refuses_an_unknown_type" {
  command = plan

  variables {
    records = { www = { type = "SPF", values = ["x"] } }
  }
  expect_failures = [var.records]
}

run "refuses_two_values_of_a_cname" {
  command = plan

  variables {
    records = { www = { type = "CNAME", values = ["a.example.org", "b.example.org"] } }
  }
  expect_failures = [var.records]
}

run "refuses_a_cname_of_the_zone" {
  command = plan

  variables {
    records = { "@" = { type = "CNAME", values = ["a.example.org"] } }
  }
  expect_failures = [var.records]
}

run "refuses_an_a_record_without_address" {
  command = plan

  variables {
    records = { www = { type = "A", values = ["example.org"] } }
  }
  expect_failures = [var.records]
}

run "refuses_a_ttl_of_one_second" {
  command = plan

  variables {
    records = { www = { type = "A", values = ["192.0.2.1"], ttl = 1 } }
  }
  expect_failures = [var.records]
}

run "refuses_a_wildcard_record" {
  command = plan

  variables {
    records = { "*" = { type = "A", values = ["192.0.2.1"] } }
  }
  expect_failures = [var.records]
}

run "accepts_a_wildcard_when_allowed" {
  command = plan

  variables {
    records        = { "*" = { type = "A", values = ["192.0.2.1"] } }
    allow_wildcard = true
  }

  assert {
    condition     = aws_route53_record.this["*"].name == "*.shop.example.org"
    error_message = "the wildcard is made"
  }
}

run "refuses_a_wildcard_certificate" {
  command = plan

  variables {
    certificate       = true
    certificate_names = ["*"]
  }
  expect_failures = [var.certificate_names]
}

run "refuses_a_certificate_in_a_private_zone" {
  command = plan

  variables {
    certificate     = true
    private_vpc_ids = ["vpc-1"]
  }
  expect_failures = [var.certificate]
}
