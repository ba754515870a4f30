# A DNS zone, its fixed records and, when asked, a certificate that is proven through the zone.
locals {
  public  = length(var.private_vpc_ids) == 0
  names   = concat([var.zone_name], [for n in var.certificate_names : "${n}.${var.zone_name}"])
  options = var.certificate ? { for o in aws_acm_certificate.this[0].domain_validation_options : o.domain_name => o } : {}
}

resource "aws_route53_zone" "this" {
  name          = var.zone_name
  comment       = "${local.id}, team ${var.team}"
  force_destroy = var.environment == "preview" # a preview's records are external-dns's and go with it
  tags          = local.tags

  dynamic "vpc" {
    for_each = var.private_vpc_ids
    content {
      vpc_id = vpc.value
    }
  }
}

resource "aws_route53_record" "this" {
  for_each = var.records

  zone_id = aws_route53_zone.this.zone_id
  name    = each.key == "@" ? var.zone_name : "${each.key}.${var.zone_name}"
  type    = each.value.type
  ttl     = each.value.ttl
  records = each.value.values
}

# Only AWS's own authority may issue for this domain.
resource "aws_route53_record" "caa" {
  count = local.public ? 1 : 0

  zone_id = aws_route53_zone.this.zone_id
  name    = var.zone_name
  type    = "CAA"
  ttl     = 3600
  records = ["0 issue \"amazon.com\"", "0 issuewild \"${var.allow_wildcard ? "amazon.com" : ";"}\""]
}

resource "aws_acm_certificate" "this" {
  count = var.certificate ? 1 : 0

  domain_name               = var.zone_name
  subject_alternative_names = slice(local.names, 1, length(local.names))
  validation_method         = "DNS"
  key_algorithm             = "EC_prime256v1"
  tags                      = local.tags

  lifecycle {
    create_before_destroy = true # the old one is in use until the new one is
  }
}

resource "aws_route53_record" "proof" {
  # Keyed by the names, which are known while planning; the values follow when AWS has answered.
  for_each = var.certificate ? toset(local.names) : toset([])

  zone_id         = aws_route53_zone.this.zone_id
  name            = local.options[each.key].resource_record_name
  type            = local.options[each.key].resource_record_type
  records         = [local.options[each.key].resource_record_value]
  ttl             = 300
  allow_overwrite = true
}

resource "aws_acm_certificate_validation" "this" {
  count = var.certificate && var.delegated ? 1 : 0

  certificate_arn         = aws_acm_certificate.this[0].arn
  validation_record_fqdns = [for r in aws_route53_record.proof : r.fqdn]

  timeouts {
    create = "20m"
  }
}
