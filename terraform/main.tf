# The root only wires: one module call per stage, each there from its stage on.
# A stage takes from the one before what it needs and changes nothing of it.

data "aws_caller_identity" "this" {}

locals {
  # From single outputs, never from a whole module: that would wait for all there is in it,
  # and stage 5, which takes these and gives dead-letter queues back, would close a circle.
  functions = merge(
    module.order_service.functions,
    var.stage >= 2 ? module.payment[0].functions : {},
    var.stage >= 3 ? module.inventory[0].functions : {},
    var.stage >= 4 ? module.shipping[0].functions : {},
  )

  tables = merge(
    module.order_service.tables,
    var.stage >= 2 ? module.payment[0].tables : {},
    var.stage >= 3 ? module.inventory[0].tables : {},
    var.stage >= 4 ? module.shipping[0].tables : {},
  )
}

module "order_service" {
  source = "../01-order-service/terraform"

  name_prefix        = var.name_prefix
  account_id         = data.aws_caller_identity.this.account_id
  bundle_dir         = var.bundle_dir
  log_retention_days = var.log_retention_days
}

module "payment" {
  source = "../02-payment/terraform"
  count  = var.stage >= 2 ? 1 : 0

  name_prefix        = var.name_prefix
  account_id         = data.aws_caller_identity.this.account_id
  bundle_dir         = var.bundle_dir
  bundle_bucket      = module.order_service.bundle_bucket
  log_retention_days = var.log_retention_days
  event_bus          = module.order_service.event_bus
}

module "inventory" {
  source = "../03-inventory/terraform"
  count  = var.stage >= 3 ? 1 : 0

  name_prefix        = var.name_prefix
  account_id         = data.aws_caller_identity.this.account_id
  bundle_dir         = var.bundle_dir
  bundle_bucket      = module.order_service.bundle_bucket
  log_retention_days = var.log_retention_days
  event_bus          = module.order_service.event_bus
}

module "shipping" {
  source = "../04-shipping/terraform"
  count  = var.stage >= 4 ? 1 : 0

  name_prefix        = var.name_prefix
  account_id         = data.aws_caller_identity.this.account_id
  bundle_dir         = var.bundle_dir
  bundle_bucket      = module.order_service.bundle_bucket
  log_retention_days = var.log_retention_days
  event_bus          = module.order_service.event_bus
}
