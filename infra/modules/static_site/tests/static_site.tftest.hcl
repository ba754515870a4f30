mock_provider "aws" {
  source = "./tests/mocks"
}

run "defaults_are_private_and_over_tls" {
  command = plan

  assert {
    condition     = aws_s3_bucket_public_access_block.site.block_public_policy && aws_s3_bucket_public_access_block.site.restrict_public_buckets && aws_s3_bucket_public_access_block.site.block_public_acls && aws_s3_bucket_public_access_block.site.ignore_public_acls
    error_message = "the bucket is never public"
  }

  assert {
    condition     = aws_cloudfront_distribution.site.default_cache_behavior[0].viewer_protocol_policy == "redirect-to-https"
    error_message = "people reach it over TLS"
  }

  assert {
    condition     = aws_cloudfront_distribution.site.viewer_certificate[0].minimum_protocol_version == "TLSv1.2_2021"
    error_message = "TLS 1.2 or newer"
  }

  assert {
    condition     = aws_cloudfront_origin_access_control.site.signing_behavior == "always"
    error_message = "every read of the bucket is signed"
  }

  assert {
    condition     = aws_cloudfront_distribution.site.default_cache_behavior[0].response_headers_policy_id == "67f7725c-6f97-4210-82d7-5512b31e9d03"
    error_message = "browsers remember to use TLS"
  }

  assert {
    condition     = aws_kms_key.own[0].enable_key_rotation
    error_message = "the key rotates"
  }

  assert {
    condition     = aws_cloudfront_distribution.site.tags["portal:team"] == "shop"
    error_message = "resources name their team"
  }

  assert {
    condition     = length(aws_route53_record.site) == 2
    error_message = "IPv4 and IPv6"
  }
}

run "only_this_distribution_reads" {
  command = apply

  assert {
    condition     = jsondecode(aws_s3_bucket_policy.site.policy).Statement[0].Condition.StringEquals["aws:SourceArn"] == aws_cloudfront_distribution.site.arn
    error_message = "only this distribution"
  }

  assert {
    condition     = jsondecode(aws_s3_bucket_policy.site.policy).Statement[1].Effect == "Deny"
    error_message = "plain HTTP is denied"
  }
}

run "an_application_shows_its_first_page" {
  command = plan

  variables {
    single_page = true
  }

  assert {
    condition     = alltrue([for e in aws_cloudfront_distribution.site.custom_error_response : e.response_page_path == "/index.html" && e.response_code == 200])
    error_message = "unknown paths show the first page"
  }
}

run "refuses_a_single_word" {
  command = plan

  variables {
    host = "docs"
  }
  expect_failures = [var.host]
}

run "refuses_a_zone_by_name" {
  command = plan

  variables {
    zone_id = "example.org"
  }
  expect_failures = [var.zone_id]
}

run "refuses_a_certificate_of_another_region" {
  command = plan

  variables {
    certificate_arn = "arn:aws:acm:eu-west-1:111122223333:certificate/1"
  }
  expect_failures = [var.certificate_arn]
}

run "refuses_an_unknown_price_class" {
  command = plan

  variables {
    price_class = "cheap"
  }
  expect_failures = [var.price_class]
}
