# The bootstrap: an administrator applies it once, before the pipeline can run.
#   state.tf        bucket of Terraform's state    github.tf    which workflows may assume which role
#   plan_role.tf    read permissions only          boundary.tf  maximum permissions of a function's role
#   deploy_role.tf  permissions to change          budget.tf    warning when costs exceed the budget

data "aws_caller_identity" "this" {}

data "aws_partition" "this" {}

locals {
  account   = data.aws_caller_identity.this.account_id
  partition = data.aws_partition.this.partition

  # The bootstrap's own resources. All ARNs are built from names, so a plan shows every policy in full.
  state_bucket  = "arn:${local.partition}:s3:::${var.names.state_bucket}"
  state_object  = "${local.state_bucket}/${var.name_prefix}/terraform.tfstate"
  plans         = "${local.state_bucket}/_plans/*" # no stack's prefix starts with "_"
  boundary      = "arn:${local.partition}:iam::${local.account}:policy${var.names.path}${var.names.boundary}"
  oidc_provider = "arn:${local.partition}:iam::${local.account}:oidc-provider/${local.github}"

  # The stack's resources, as patterns of ARNs. A statement for an API adds a condition, because AWS
  # chooses the API's id.
  arns = {
    functions  = "arn:${local.partition}:lambda:${var.region}:${local.account}:function:${var.name_prefix}-*"
    mappings   = "arn:${local.partition}:lambda:${var.region}:${local.account}:event-source-mapping:*" # Lambda chooses the id
    log_groups = [for group in ["lambda", "vendedlogs"] : "arn:${local.partition}:logs:${var.region}:${local.account}:log-group:/aws/${group}/${var.name_prefix}-*"]
    tables     = "arn:${local.partition}:dynamodb:${var.region}:${local.account}:table/${var.name_prefix}-*"
    buses      = "arn:${local.partition}:events:${var.region}:${local.account}:event-bus/${var.name_prefix}-*"
    rules      = "arn:${local.partition}:events:${var.region}:${local.account}:rule/${var.name_prefix}-*"
    archives   = "arn:${local.partition}:events:${var.region}:${local.account}:archive/${var.name_prefix}-*"
    queues     = "arn:${local.partition}:sqs:${var.region}:${local.account}:${var.name_prefix}-*"
    topics     = "arn:${local.partition}:sns:${var.region}:${local.account}:${var.name_prefix}-*"
    alarms     = "arn:${local.partition}:cloudwatch:${var.region}:${local.account}:alarm:${var.name_prefix}-*"
    dashboard  = "arn:${local.partition}:cloudwatch::${local.account}:dashboard/${var.name_prefix}"
    schedules  = "arn:${local.partition}:scheduler:${var.region}:${local.account}:schedule/default/${var.name_prefix}-*"
    budgets    = "arn:${local.partition}:budgets::${local.account}:budget/${var.name_prefix}-*"
    roles      = "arn:${local.partition}:iam::${local.account}:role/${var.name_prefix}-*"
    apis       = "arn:${local.partition}:apigateway:${var.region}::/apis"
    bundles    = "arn:${local.partition}:s3:::${var.name_prefix}-bundles-*"
  }
}
