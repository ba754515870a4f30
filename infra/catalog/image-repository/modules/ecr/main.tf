# Image repositories whose tags cannot be moved, scanned on push, that never lose an image one could roll back to.
locals {
  component    = "images"
  key_services = [] # ECR uses the key in the name of whoever pushes or pulls
}

resource "aws_ecr_repository" "this" {
  for_each = var.repositories

  name                 = each.key
  image_tag_mutability = "IMMUTABLE"
  force_delete         = false
  tags                 = merge(local.tags, { Name = each.key })

  image_scanning_configuration {
    scan_on_push = true
  }

  encryption_configuration {
    encryption_type = "KMS"
    kms_key         = local.key_arn
  }
}

# Released images leave by count, never by age: the oldest of a quiet service may be the one that is running.
resource "aws_ecr_lifecycle_policy" "this" {
  for_each = var.repositories

  repository = aws_ecr_repository.this[each.key].name
  policy = jsonencode({
    rules = [
      {
        rulePriority = 1
        description  = "leftovers of builds"
        selection    = { tagStatus = "untagged", countType = "sinceImagePushed", countUnit = "days", countNumber = each.value.untagged_days }
        action       = { type = "expire" }
      },
      {
        rulePriority = 2
        description  = "the newest releases stay"
        selection    = { tagStatus = "tagged", tagPatternList = ["*"], countType = "imageCountMoreThan", countNumber = each.value.keep_tagged }
        action       = { type = "expire" }
      },
    ]
  })
}

resource "aws_ecr_repository_policy" "pull" {
  for_each = length(var.pull_principals) > 0 ? var.repositories : {}

  repository = aws_ecr_repository.this[each.key].name
  policy = jsonencode({
    Version = "2012-10-17"
    Statement = [{
      Sid       = "Pull"
      Effect    = "Allow"
      Principal = { AWS = var.pull_principals }
      Action    = ["ecr:BatchGetImage", "ecr:GetDownloadUrlForLayer", "ecr:BatchCheckLayerAvailability"]
    }]
  })
}
