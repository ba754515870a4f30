# Work that does nothing, slowly, loudly or wrongly, as the inputs say. Offline: `terraform_data` and a shell.
#
# The steps run in order, so a failure leaves a clear before and after. Terraform cannot count an order, so each step
# names the one before it, and ten are the most.

terraform {
  required_version = ">= 1.9"
}

locals {
  plan = {
    steps     = var.steps
    width     = var.width
    seconds   = var.seconds
    lines     = var.lines
    fail_at   = var.fail_at
    fail_how  = var.fail_how
    fail_when = var.fail_when
    label     = var.label
    replace   = var.replace
  }
}

module "step_1" {
  source = "./step"
  number = 1
  plan   = local.plan
}

module "step_2" {
  source = "./step"
  number = 2
  plan   = local.plan

  depends_on = [module.step_1]
}

module "step_3" {
  source = "./step"
  number = 3
  plan   = local.plan

  depends_on = [module.step_2]
}

module "step_4" {
  source = "./step"
  number = 4
  plan   = local.plan

  depends_on = [module.step_3]
}

module "step_5" {
  source = "./step"
  number = 5
  plan   = local.plan

  depends_on = [module.step_4]
}

module "step_6" {
  source = "./step"
  number = 6
  plan   = local.plan

  depends_on = [module.step_5]
}

module "step_7" {
  source = "./step"
  number = 7
  plan   = local.plan

  depends_on = [module.step_6]
}

module "step_8" {
  source = "./step"
  number = 8
  plan   = local.plan

  depends_on = [module.step_7]
}

module "step_9" {
  source = "./step"
  number = 9
  plan   = local.plan

  depends_on = [module.step_8]
}

module "step_10" {
  source = "./step"
  number = 10
  plan   = local.plan

  depends_on = [module.step_9]
}

resource "terraform_data" "database" {
  count = var.keeps_data ? 1 : 0

  input = {
    holds = "something that somebody would miss"
  }
}
