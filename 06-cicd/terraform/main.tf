# Prepares an account for the pipeline, once, by somebody with all rights in it:
#   state.tf        where Terraform's state lies      github.tf   who may come from GitHub, and as whom
#   plan_role.tf    may look                          boundary.tf the most a function may ever do
#   deploy_role.tf  may change                        budget.tf   who is told when it gets expensive

data "aws_caller_identity" "this" {}

data "aws_partition" "this" {}

locals {
  account   = data.aws_caller_identity.this.account_id
  partition = data.aws_partition.this.partition

  # The bootstrap's own. All ARNs are put together from names: so a plan shows every policy whole.
  state_bucket  = "arn:${local.partition}:s3:::${var.names.state_bucket}"
  state_object  = "${local.state_bucket}/${var.name_prefix}/terraform.tfstate"
  boundary      = "arn:${local.partition}:iam::${local.account}:policy${var.names.path}${var.names.boundary}"
  oidc_provider = "arn:${local.partition}:iam::${local.account}:oidc-provider/${local.github}"

  # All that belongs to the stack, as patterns of ARNs. What has no name of ours (an API's id) is
  # narrowed where it is used.
  arns = {
    functions  = "arn:${local.partition}:lambda:${var.region}:${local.account}:function:${var.name_prefix}-*"
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
