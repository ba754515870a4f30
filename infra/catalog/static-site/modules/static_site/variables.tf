variable "host" {
  description = "Name under which the site is reached, for example docs.example.org."
  type        = string

  validation {
    condition     = can(regex("^([a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?\\.)+[a-z]{2,63}$", var.host)) && length(var.host) <= 64
    error_message = "The host must be a full domain name in lower case, such as docs.example.org, of 64 letters at most."
  }
}

variable "zone_id" {
  description = "Id of the Route53 zone in which the host's record is made."
  type        = string

  validation {
    condition     = can(regex("^[A-Z0-9]{10,32}$", var.zone_id))
    error_message = "The zone must be given by its id, such as Z0123456789ABC, not by its name."
  }
}

variable "certificate_arn" {
  description = "ARN of a certificate for the host. It must be in us-east-1: CloudFront reads certificates only there."
  type        = string

  validation {
    condition     = can(regex("^arn:aws[a-z-]*:acm:us-east-1:[0-9]{12}:certificate/", var.certificate_arn))
    error_message = "The certificate must be given as the ARN of one in us-east-1; CloudFront accepts no other region."
  }
}

variable "price_class" {
  description = "Where the site is served from: PriceClass_100 (Europe, North America), PriceClass_200 (and Asia, Africa), PriceClass_All."
  type        = string
  default     = "PriceClass_100"

  validation {
    condition     = contains(["PriceClass_100", "PriceClass_200", "PriceClass_All"], var.price_class)
    error_message = "The price class must be PriceClass_100, PriceClass_200 or PriceClass_All."
  }
}

variable "single_page" {
  description = "Whether unknown paths show the first page (for applications that route in the browser) and not an error."
  type        = bool
  default     = false
}
