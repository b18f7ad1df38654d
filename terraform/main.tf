# The root only connects modules: one call per stage, active from this stage on.
# A stage reads what it needs of an earlier stage and changes nothing there.

data "aws_caller_identity" "this" {}

locals {
  # From single outputs, never from a whole module: a module depends on all its resources, and
  # stage 5, which reads these and returns dead-letter queues, would create a cycle.
  service_functions = [
    module.order_service.functions,
    var.stage >= 2 ? module.payment[0].functions : {},
    var.stage >= 3 ? module.inventory[0].functions : {},
    var.stage >= 4 ? module.shipping[0].functions : {},
  ]
  services = merge(local.service_functions...)

  # For the dashboard, in the order of the stages: the steps that the functions count.
  steps = flatten([
    for functions in local.service_functions : [
      for key, function in functions : [for step in function.steps : { function = key, step = step }]
    ]
  ])

  functions = merge(
    local.services,
    var.stage >= 5 ? module.errors_dlq[0].functions : {},
  )

  # The folders of the stages up to this one. A copy of a folder is no stage: its stage.toml
  # begins with the name of another folder.
  stage_folders = [
    for file in fileset("${path.module}/..", "[0-9][0-9]-*/stage.toml") : dirname(file)
    if parseint(substr(file, 0, 2), 10) <= var.stage
    && startswith(file("${path.module}/../${file}"), "folder = \"${dirname(file)}\"")
  ]

  # Every function that events invoke has its pattern in a file of its name: known before
  # anything is made, so that the dead-letter queues wait for no function.
  consumers = toset(flatten([
    for folder in local.stage_folders : [
      for file in fileset("${path.module}/../${folder}/terraform/patterns", "*.json") : trimsuffix(file, ".json")
    ]
  ]))

  # Not a part of `stack`: if more than the rules' targets depended on the queues, there would be a cycle.
  failure_handling = var.stage >= 5 ? module.errors_dlq[0].failure_handling : {}

  # What every stage gets.
  stack = {
    name_prefix          = var.name_prefix
    account_id           = data.aws_caller_identity.this.account_id
    bundle_dir           = var.bundle_dir
    log_retention_days   = var.log_retention_days
    live_alias           = var.stage >= 6 ? "live" : null # functions are released: see modules/event-function/alias.tf
    permissions_boundary = var.permissions_boundary
    buffered             = var.buffered
    local                = var.local != null
  }

  # The same, and what stage 1 creates for the stages after it.
  shared_stack = merge(local.stack, {
    event_bus     = module.order_service.event_bus
    bundle_bucket = module.order_service.bundle_bucket
  })

  tables = merge(
    module.order_service.tables,
    var.stage >= 2 ? module.payment[0].tables : {},
    var.stage >= 3 ? module.inventory[0].tables : {},
    var.stage >= 4 ? module.shipping[0].tables : {},
  )
}

module "order_service" {
  source = "../01-order-service/terraform"

  stack            = local.stack
  failure_handling = local.failure_handling
}

module "payment" {
  source = "../02-payment/terraform"
  count  = var.stage >= 2 ? 1 : 0

  stack            = local.shared_stack
  failure_handling = local.failure_handling
}

module "inventory" {
  source = "../03-inventory/terraform"
  count  = var.stage >= 3 ? 1 : 0

  stack            = local.shared_stack
  failure_handling = local.failure_handling
}

module "shipping" {
  source = "../04-shipping/terraform"
  count  = var.stage >= 4 ? 1 : 0

  stack            = local.shared_stack
  failure_handling = local.failure_handling
}

module "errors_dlq" {
  source = "../05-errors-dlq/terraform"
  count  = var.stage >= 5 ? 1 : 0

  stack              = local.shared_stack
  consumers          = local.consumers
  functions          = local.services
  steps              = local.steps
  orders_table       = module.order_service.tables.orders
  alarm_email        = var.alarm_email
  monthly_budget_usd = var.monthly_budget_usd
}
