# Stage 4: prepares the shipment of a reserved order.

# Encrypted at rest with a key that AWS owns (the reason: stage 1).
resource "aws_dynamodb_table" "shipments" {
  name         = "${var.stack.name_prefix}-shipments"
  billing_mode = "PAY_PER_REQUEST"
  hash_key     = "order_id"

  attribute {
    name = "order_id"
    type = "S"
  }

  attribute {
    name = "status"
    type = "S"
  }

  attribute {
    name = "prepared_at"
    type = "S"
  }

  # The warehouse's pick list, oldest first.
  global_secondary_index {
    name            = "by-status"
    hash_key        = "status"
    range_key       = "prepared_at"
    projection_type = "ALL"
  }

  point_in_time_recovery {
    enabled = true
  }
}

# The function's code.
resource "aws_s3_object" "bundle" {
  bucket      = var.stack.bundle_bucket
  key         = "shipping_service.zip"
  source      = "${var.stack.bundle_dir}/shipping_service.zip"
  source_hash = filebase64sha256("${var.stack.bundle_dir}/shipping_service.zip")
}

module "shipping" {
  source = "../../terraform/modules/event-function"

  stack            = var.stack
  key              = "shipping"
  description      = "Prepares the shipment of a reserved order"
  bundle           = aws_s3_object.bundle
  handler          = "shipping_service.handler.prepare"
  steps            = ["shipment-prepared"]
  failure_handling = var.failure_handling

  table = {
    name    = aws_dynamodb_table.shipments.name
    arn     = aws_dynamodb_table.shipments.arn
    actions = ["PutItem"]
  }

  publishes = {
    event_bus   = var.stack.event_bus
    source      = "orderflow.shipping"
    detail_type = "ShipmentPrepared"
  }

  consumes = {
    event_bus_name = var.stack.event_bus.name
    event_pattern  = file("${path.module}/patterns/shipping.json")
  }
}
