# One step: so many resources, each of which runs work.sh when it is made and when it is destroyed.

variable "number" {
  description = "Which step this is, from 1."
  type        = number
}

variable "plan" {
  description = "What all steps do."
  type = object({
    steps     = number
    width     = number
    seconds   = number
    lines     = number
    fail_at   = number
    fail_how  = string
    fail_when = string
    label     = string
    replace   = string
  })
}

locals {
  fails      = var.number == var.plan.fail_at
  on_create  = local.fails && var.plan.fail_when == "create" ? var.plan.fail_how : "well"
  on_destroy = local.fails && var.plan.fail_when == "destroy" ? var.plan.fail_how : "well"
}

resource "terraform_data" "work" {
  count = var.number <= var.plan.steps ? var.plan.width : 0

  # A provisioner that runs at the end sees nothing but its own resource, so what it needs is kept here.
  input = {
    label   = var.plan.label
    number  = var.number
    seconds = var.plan.seconds
    lines   = var.plan.lines
    ends    = local.on_destroy
  }

  triggers_replace = var.plan.replace

  lifecycle {
    precondition {
      condition     = !(local.fails && var.plan.fail_how == "plan")
      error_message = "Step ${var.number} was told to be refused while planning."
    }
  }

  provisioner "local-exec" {
    command = "sh '${path.module}/work.sh'"
    environment = {
      STEP_VERB    = "making"
      STEP_NUMBER  = var.number
      STEP_SECONDS = var.plan.seconds
      STEP_LINES   = var.plan.lines
      STEP_ENDS    = local.on_create
    }
  }

  provisioner "local-exec" {
    when    = destroy
    command = "sh '${path.module}/work.sh'"
    environment = {
      STEP_VERB    = "unmaking"
      STEP_NUMBER  = self.input.number
      STEP_SECONDS = self.input.seconds
      STEP_LINES   = self.input.lines
      STEP_ENDS    = self.input.ends
    }
  }
}
