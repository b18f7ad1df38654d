# Stage 2: an order is paid, and paid back when the goods turn out to be missing.

# Encrypted at rest with a key AWS owns, as every table is (why no other: stage 1).
resource "aws_dynamodb_table" "payments" {
  name         = "${var.name_prefix}-payments"
  billing_mode = "PAY_PER_REQUEST"
  hash_key     = "order_id"

  attribute {
    name = "order_id"
    type = "S"
  }

  point_in_time_recovery {
    enabled = true
  }
}

# The code of both functions.
resource "aws_s3_object" "bundle" {
  bucket      = var.bundle_bucket
  key         = "payment_service.zip"
  source      = "${var.bundle_dir}/payment_service.zip"
  source_hash = filebase64sha256("${var.bundle_dir}/payment_service.zip")
}

locals {
  environment = { GATEWAY_AVAILABLE = tostring(var.gateway_available) }

  table = {
    name    = aws_dynamodb_table.payments.name
    arn     = aws_dynamodb_table.payments.arn
    actions = ["UpdateItem"]
  }

  publishes = {
    event_bus   = var.event_bus
    source      = "orderflow.payment"
    detail_type = "PaymentProcessed"
  }
}

module "payment" {
  source = "../../terraform/modules/event-function"

  name_prefix          = var.name_prefix
  key                  = "payment"
  description          = "Charges an order"
  bundle               = aws_s3_object.bundle
  handler              = "payment_service.handler.charge"
  account_id           = var.account_id
  log_retention_days   = var.log_retention_days
  live_alias           = var.live_alias
  permissions_boundary = var.permissions_boundary
  environment          = local.environment
  failure_handling     = var.failure_handling
  table                = local.table
  publishes            = local.publishes

  consumes = {
    event_bus_name = var.event_bus.name
    event_pattern  = file("${path.module}/patterns/payment.json")
  }
}

module "payment_refund" {
  source = "../../terraform/modules/event-function"

  name_prefix          = var.name_prefix
  key                  = "payment-refund"
  description          = "Pays back an order that is out of stock"
  bundle               = aws_s3_object.bundle
  handler              = "payment_service.handler.refund"
  account_id           = var.account_id
  log_retention_days   = var.log_retention_days
  live_alias           = var.live_alias
  permissions_boundary = var.permissions_boundary
  environment          = local.environment
  failure_handling     = var.failure_handling
  table                = local.table
  publishes            = local.publishes

  consumes = {
    event_bus_name = var.event_bus.name
    event_pattern  = file("${path.module}/patterns/payment-refund.json")
  }
}
