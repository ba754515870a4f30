# A private PostgreSQL whose password never enters Terraform's state or plan.
locals {
  component    = "database"
  key_services = [] # RDS uses the key in the name of whoever creates the instance
  prod         = var.environment == "prod"
  from_secret  = var.password_mode == "ephemeral_secret"
  master       = one(ephemeral.aws_secretsmanager_secret_version.master[*].secret_string)
}

# Ephemeral: read when needed, written nowhere. The value goes to RDS through a write-only argument.
ephemeral "aws_secretsmanager_secret_version" "master" {
  count = local.from_secret ? 1 : 0

  secret_id = var.secret_arn
}

resource "aws_db_subnet_group" "this" {
  name        = local.id
  description = "Private subnets of ${local.id}"
  subnet_ids  = var.subnet_ids
  tags        = local.tags
}

resource "aws_security_group" "this" {
  name        = "${local.id}-database"
  description = "PostgreSQL of ${local.id}: only named clients come in, nothing goes out"
  vpc_id      = var.vpc_id
  tags        = merge(local.tags, { Name = "${local.id}-database" })
}

resource "aws_vpc_security_group_ingress_rule" "client" {
  for_each = var.client_sg_ids

  security_group_id            = aws_security_group.this.id
  referenced_security_group_id = each.value
  description                  = "PostgreSQL from ${each.key}"
  ip_protocol                  = "tcp"
  from_port                    = 5432
  to_port                      = 5432
  tags                         = local.tags
}

resource "aws_db_parameter_group" "this" {
  name        = "${local.id}-${var.engine_version}"
  family      = "postgres${var.engine_version}"
  description = "TLS only, slow statements logged"
  tags        = local.tags

  parameter {
    name  = "rds.force_ssl"
    value = "1"
  }
  parameter {
    name  = "log_min_duration_statement"
    value = "1000"
  }
  parameter {
    name  = "log_statement"
    value = "ddl" # more than that would write people's data to the log
  }

  lifecycle {
    create_before_destroy = true # a new major version needs the new group before the old one can go
  }
}

resource "aws_iam_role" "monitoring" {
  name = "${local.id}-database-monitoring"
  tags = local.tags
  assume_role_policy = jsonencode({
    Version = "2012-10-17"
    Statement = [{
      Effect    = "Allow"
      Action    = "sts:AssumeRole"
      Principal = { Service = "monitoring.rds.amazonaws.com" }
      Condition = { StringEquals = { "aws:SourceAccount" = local.account } }
    }]
  })
}

resource "aws_iam_role_policy_attachment" "monitoring" {
  role       = aws_iam_role.monitoring.name
  policy_arn = "arn:${local.partition}:iam::aws:policy/service-role/AmazonRDSEnhancedMonitoringRole"
}

resource "aws_db_instance" "this" {
  #checkov:skip=CKV_AWS_157:a validation demands multi-AZ in production; elsewhere it is a choice of cost (owner: platform)
  identifier     = local.id
  engine         = "postgres"
  engine_version = var.engine_version
  instance_class = var.instance_class
  db_name        = var.database_name
  port           = 5432
  tags           = local.tags

  username                      = "master"
  password_wo                   = local.from_secret ? jsondecode(local.master).password : null
  password_wo_version           = local.from_secret ? var.password_version : null
  manage_master_user_password   = local.from_secret ? null : true
  master_user_secret_kms_key_id = local.from_secret ? null : local.key_arn

  storage_type          = "gp3"
  allocated_storage     = var.storage_gb
  max_allocated_storage = var.storage_gb * 2
  storage_encrypted     = true
  kms_key_id            = local.key_arn

  multi_az               = var.multi_az
  publicly_accessible    = false
  db_subnet_group_name   = aws_db_subnet_group.this.name
  vpc_security_group_ids = [aws_security_group.this.id]
  parameter_group_name   = aws_db_parameter_group.this.name
  ca_cert_identifier     = "rds-ca-rsa2048-g1"

  iam_database_authentication_enabled   = true
  performance_insights_enabled          = true
  performance_insights_kms_key_id       = local.key_arn
  performance_insights_retention_period = 7
  monitoring_interval                   = 60
  monitoring_role_arn                   = aws_iam_role.monitoring.arn
  enabled_cloudwatch_logs_exports       = ["postgresql", "upgrade"]

  backup_retention_period   = var.backup_days
  copy_tags_to_snapshot     = true
  delete_automated_backups  = !local.prod
  deletion_protection       = local.prod
  skip_final_snapshot       = !local.prod
  final_snapshot_identifier = local.prod ? "${local.id}-final" : null

  auto_minor_version_upgrade = true
  apply_immediately          = !local.prod # production waits for its maintenance window

  depends_on = [aws_iam_role_policy_attachment.monitoring]
}
