# Stage 2: charges an order, and refunds it when an item is out of stock.

# Encrypted at rest with a key that AWS owns (the reason: stage 1).
resource "aws_dynamodb_table" "payments" {
  name         = "${var.stack.name_prefix}-payments"
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
  bucket      = var.stack.bundle_bucket
  key         = "payment_service.zip"
  source      = "${var.stack.bundle_dir}/payment_service.zip"
  source_hash = filebase64sha256("${var.stack.bundle_dir}/payment_service.zip")
}

locals {
  environment = { GATEWAY_AVAILABLE = tostring(var.gateway_available) }

  table = {
    name    = aws_dynamodb_table.payments.name
    arn     = aws_dynamodb_table.payments.arn
    actions = ["UpdateItem"]
  }

  publishes = {
    event_bus   = var.stack.event_bus
    source      = "orderflow.payment"
    detail_type = "PaymentProcessed"
  }
}

module "payment" {
  source = "../../terraform/modules/event-function"

  stack            = var.stack
  key              = "payment"
  description      = "Charges an order"
  bundle           = aws_s3_object.bundle
  handler          = "payment_service.handler.charge"
  steps            = ["payment-succeeded", "payment-declined"]
  environment      = local.environment
  failure_handling = var.failure_handling
  table            = local.table
  publishes        = local.publishes

  consumes = {
    event_bus_name = var.stack.event_bus.name
    event_pattern  = file("${path.module}/patterns/payment.json")
  }
}

module "payment_refund" {
  source = "../../terraform/modules/event-function"

  stack            = var.stack
  key              = "payment-refund"
  description      = "Refunds an order that is out of stock"
  bundle           = aws_s3_object.bundle
  handler          = "payment_service.handler.refund"
  steps            = ["payment-refunded"]
  environment      = local.environment
  failure_handling = var.failure_handling
  table            = local.table
  publishes        = local.publishes

  consumes = {
    event_bus_name = var.stack.event_bus.name
    event_pattern  = file("${path.module}/patterns/payment-refund.json")
  }
}
