# The root only wires: one module call per stage, each there from its stage on.
# A stage takes from the one before what it needs and changes nothing of it.

data "aws_caller_identity" "this" {}

locals {
  # From single outputs, never from a whole module: that would wait for all there is in it,
  # and stage 5, which takes these and gives dead-letter queues back, would close a circle.
  services = merge(
    module.order_service.functions,
    var.stage >= 2 ? module.payment[0].functions : {},
    var.stage >= 3 ? module.inventory[0].functions : {},
    var.stage >= 4 ? module.shipping[0].functions : {},
  )

  functions = merge(
    local.services,
    var.stage >= 5 ? module.errors_dlq[0].functions : {},
  )

  # Every function that events invoke has its pattern in a file of its name: known before
  # anything is made, so that the dead-letter queues wait for no function.
  consumers = toset([
    for file in fileset("${path.module}/..", "0[1-4]-*/terraform/patterns/*.json") :
    trimsuffix(basename(file), ".json")
  ])

  failure_handling = var.stage >= 5 ? module.errors_dlq[0].failure_handling : {}

  # From here on functions are released: see modules/event-function/alias.tf.
  live_alias = var.stage >= 6 ? "live" : null

  tables = merge(
    module.order_service.tables,
    var.stage >= 2 ? module.payment[0].tables : {},
    var.stage >= 3 ? module.inventory[0].tables : {},
    var.stage >= 4 ? module.shipping[0].tables : {},
  )
}

module "order_service" {
  source = "../01-order-service/terraform"

  name_prefix          = var.name_prefix
  account_id           = data.aws_caller_identity.this.account_id
  bundle_dir           = var.bundle_dir
  log_retention_days   = var.log_retention_days
  live_alias           = local.live_alias
  permissions_boundary = var.permissions_boundary
  failure_handling     = local.failure_handling
  local                = var.local != null
}

module "payment" {
  source = "../02-payment/terraform"
  count  = var.stage >= 2 ? 1 : 0

  name_prefix          = var.name_prefix
  account_id           = data.aws_caller_identity.this.account_id
  bundle_dir           = var.bundle_dir
  bundle_bucket        = module.order_service.bundle_bucket
  log_retention_days   = var.log_retention_days
  live_alias           = local.live_alias
  permissions_boundary = var.permissions_boundary
  event_bus            = module.order_service.event_bus
  failure_handling     = local.failure_handling
}

module "inventory" {
  source = "../03-inventory/terraform"
  count  = var.stage >= 3 ? 1 : 0

  name_prefix          = var.name_prefix
  account_id           = data.aws_caller_identity.this.account_id
  bundle_dir           = var.bundle_dir
  bundle_bucket        = module.order_service.bundle_bucket
  log_retention_days   = var.log_retention_days
  live_alias           = local.live_alias
  permissions_boundary = var.permissions_boundary
  event_bus            = module.order_service.event_bus
  failure_handling     = local.failure_handling
}

module "shipping" {
  source = "../04-shipping/terraform"
  count  = var.stage >= 4 ? 1 : 0

  name_prefix          = var.name_prefix
  account_id           = data.aws_caller_identity.this.account_id
  bundle_dir           = var.bundle_dir
  bundle_bucket        = module.order_service.bundle_bucket
  log_retention_days   = var.log_retention_days
  live_alias           = local.live_alias
  permissions_boundary = var.permissions_boundary
  event_bus            = module.order_service.event_bus
  failure_handling     = local.failure_handling
}

module "errors_dlq" {
  source = "../05-errors-dlq/terraform"
  count  = var.stage >= 5 ? 1 : 0

  name_prefix          = var.name_prefix
  account_id           = data.aws_caller_identity.this.account_id
  bundle_dir           = var.bundle_dir
  bundle_bucket        = module.order_service.bundle_bucket
  log_retention_days   = var.log_retention_days
  live_alias           = local.live_alias
  permissions_boundary = var.permissions_boundary
  event_bus            = module.order_service.event_bus
  consumers            = local.consumers
  functions            = local.services
  orders_table         = module.order_service.tables.orders
  alarm_email          = var.alarm_email
  monthly_budget_usd   = var.monthly_budget_usd
  local                = var.local != null
}
