# Stage 4: the shipment of a reserved order is prepared.

# Encrypted at rest with a key AWS owns, as every table is (why no other: stage 1).
resource "aws_dynamodb_table" "shipments" {
  name         = "${var.name_prefix}-shipments"
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
  bucket      = var.bundle_bucket
  key         = "shipping_service.zip"
  source      = "${var.bundle_dir}/shipping_service.zip"
  source_hash = filebase64sha256("${var.bundle_dir}/shipping_service.zip")
}

module "shipping" {
  source = "../../terraform/modules/event-function"

  name_prefix          = var.name_prefix
  key                  = "shipping"
  description          = "Prepares the shipment of a reserved order"
  bundle               = aws_s3_object.bundle
  handler              = "shipping_service.handler.prepare"
  account_id           = var.account_id
  log_retention_days   = var.log_retention_days
  live_alias           = var.live_alias
  permissions_boundary = var.permissions_boundary
  failure_handling     = var.failure_handling

  table = {
    name    = aws_dynamodb_table.shipments.name
    arn     = aws_dynamodb_table.shipments.arn
    actions = ["PutItem"]
  }

  publishes = {
    event_bus   = var.event_bus
    source      = "orderflow.shipping"
    detail_type = "ShipmentPrepared"
  }

  consumes = {
    event_bus_name = var.event_bus.name
    event_pattern  = file("${path.module}/patterns/shipping.json")
  }
}
