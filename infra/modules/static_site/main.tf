# A site from a private bucket: only CloudFront reads it, and people reach CloudFront over TLS alone.
locals {
  component    = "site"
  key_services = ["cloudfront.amazonaws.com"]
  bucket       = "${local.id}-${replace(var.host, ".", "-")}"
  missing      = var.single_page ? { "403" = "/index.html", "404" = "/index.html" } : { "403" = "/404.html", "404" = "/404.html" }
}

resource "aws_s3_bucket" "site" {
  #checkov:skip=CKV2_AWS_62:nothing reacts to changes (owner: platform)
  #checkov:skip=CKV_AWS_144:the site is built again from its repository (owner: platform)
  #checkov:skip=CKV_AWS_18:read by CloudFront alone, see CKV_AWS_86 (owner: platform)
  bucket        = substr(local.bucket, 0, 63)
  force_destroy = var.environment == "preview"
  tags          = merge(local.tags, { Name = var.host })
}

resource "aws_s3_bucket_ownership_controls" "site" {
  bucket = aws_s3_bucket.site.id
  rule {
    object_ownership = "BucketOwnerEnforced"
  }
}

resource "aws_s3_bucket_public_access_block" "site" {
  bucket                  = aws_s3_bucket.site.id
  block_public_acls       = true
  block_public_policy     = true
  ignore_public_acls      = true
  restrict_public_buckets = true
}

resource "aws_s3_bucket_versioning" "site" {
  bucket = aws_s3_bucket.site.id
  versioning_configuration {
    status = "Enabled"
  }
}

resource "aws_s3_bucket_server_side_encryption_configuration" "site" {
  bucket = aws_s3_bucket.site.id
  rule {
    bucket_key_enabled = true
    apply_server_side_encryption_by_default {
      sse_algorithm     = "aws:kms"
      kms_master_key_id = local.key_arn
    }
  }
}

resource "aws_s3_bucket_lifecycle_configuration" "site" {
  bucket = aws_s3_bucket.site.id
  rule {
    id     = "tidy"
    status = "Enabled"
    filter {}
    noncurrent_version_expiration {
      noncurrent_days = 30
    }
    abort_incomplete_multipart_upload {
      days_after_initiation = 7
    }
  }

  depends_on = [aws_s3_bucket_versioning.site]
}

resource "aws_s3_bucket_policy" "site" {
  bucket = aws_s3_bucket.site.id
  policy = jsonencode({
    Version = "2012-10-17"
    Statement = [
      {
        Sid       = "ThisDistributionReads"
        Effect    = "Allow"
        Principal = { Service = "cloudfront.amazonaws.com" }
        Action    = "s3:GetObject"
        Resource  = "${aws_s3_bucket.site.arn}/*"
        Condition = { StringEquals = { "aws:SourceArn" = aws_cloudfront_distribution.site.arn } }
      },
      {
        Sid       = "OverTlsOnly"
        Effect    = "Deny"
        Principal = "*"
        Action    = "s3:*"
        Resource  = [aws_s3_bucket.site.arn, "${aws_s3_bucket.site.arn}/*"]
        Condition = { Bool = { "aws:SecureTransport" = "false" } }
      },
    ]
  })

  depends_on = [aws_s3_bucket_public_access_block.site]
}

resource "aws_cloudfront_origin_access_control" "site" {
  name                              = local.id
  description                       = "Signs what ${local.id} reads from its bucket"
  origin_access_control_origin_type = "s3"
  signing_behavior                  = "always"
  signing_protocol                  = "sigv4"
}

resource "aws_cloudfront_distribution" "site" {
  #checkov:skip=CKV2_AWS_32:a policy is attached: AWS's SecurityHeadersPolicy, by its id, which the scanner does not follow (owner: platform)
  #checkov:skip=CKV2_AWS_47:files only, no code that could log (owner: platform)
  #checkov:skip=CKV_AWS_310:one bucket is the only origin; S3 itself spans three zones (owner: platform)
  #checkov:skip=CKV_AWS_374:sites are for readers everywhere (owner: platform)
  #checkov:skip=CKV_AWS_68:static files without a back end; a WAF costs more than the site (owner: platform)
  #checkov:skip=CKV_AWS_86:requests are counted by CloudFront's metrics; readers' addresses are not kept (owner: platform)
  enabled             = true
  is_ipv6_enabled     = true
  comment             = local.id
  aliases             = [var.host]
  default_root_object = "index.html"
  http_version        = "http2and3"
  price_class         = var.price_class
  tags                = local.tags

  origin {
    origin_id                = "bucket"
    domain_name              = aws_s3_bucket.site.bucket_regional_domain_name
    origin_access_control_id = aws_cloudfront_origin_access_control.site.id
  }

  default_cache_behavior {
    target_origin_id           = "bucket"
    viewer_protocol_policy     = "redirect-to-https"
    allowed_methods            = ["GET", "HEAD"]
    cached_methods             = ["GET", "HEAD"]
    compress                   = true
    cache_policy_id            = "658327ea-f89d-4fab-a63d-7e88639e58f6" # AWS's CachingOptimized, the same in every account
    response_headers_policy_id = "67f7725c-6f97-4210-82d7-5512b31e9d03" # AWS's SecurityHeadersPolicy: TLS for a year, no guessing of types, no framing by others
  }

  dynamic "custom_error_response" {
    for_each = local.missing
    content {
      error_code            = custom_error_response.key
      response_code         = var.single_page ? 200 : 404
      response_page_path    = custom_error_response.value
      error_caching_min_ttl = 60
    }
  }

  viewer_certificate {
    acm_certificate_arn      = var.certificate_arn
    minimum_protocol_version = "TLSv1.2_2021"
    ssl_support_method       = "sni-only"
  }

  restrictions {
    geo_restriction {
      restriction_type = "none"
    }
  }
}

resource "aws_route53_record" "site" {
  for_each = toset(["A", "AAAA"])

  zone_id = var.zone_id
  name    = var.host
  type    = each.key

  alias {
    name                   = aws_cloudfront_distribution.site.domain_name
    zone_id                = aws_cloudfront_distribution.site.hosted_zone_id
    evaluate_target_health = false
  }
}
