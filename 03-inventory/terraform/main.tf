# Stage 3: reserves the items of a paid order, all lines or none.

# Encrypted at rest with a key that AWS owns (the reason: stage 1).
resource "aws_dynamodb_table" "inventory" {
  name         = "${var.stack.name_prefix}-inventory"
  billing_mode = "PAY_PER_REQUEST"
  hash_key     = "sku" # of a stock item, or "reservation#<order_id>"

  attribute {
    name = "sku"
    type = "S"
  }

  point_in_time_recovery {
    enabled = true
  }
}

# The function's code.
resource "aws_s3_object" "bundle" {
  bucket      = var.stack.bundle_bucket
  key         = "inventory_service.zip"
  source      = "${var.stack.bundle_dir}/inventory_service.zip"
  source_hash = filebase64sha256("${var.stack.bundle_dir}/inventory_service.zip")
}

module "inventory" {
  source = "../../terraform/modules/event-function"

  stack            = var.stack
  key              = "inventory"
  description      = "Reserves the items of a paid order"
  bundle           = aws_s3_object.bundle
  handler          = "inventory_service.handler.reserve"
  steps            = ["stock-reserved", "out-of-stock"]
  failure_handling = var.failure_handling

  # Both in one transaction. TransactWriteItems has no permission of its own.
  table = {
    name    = aws_dynamodb_table.inventory.name
    arn     = aws_dynamodb_table.inventory.arn
    actions = ["PutItem", "UpdateItem"]
  }

  publishes = {
    event_bus   = var.stack.event_bus
    source      = "orderflow.inventory"
    detail_type = "InventoryUpdated"
  }

  consumes = {
    event_bus_name = var.stack.event_bus.name
    event_pattern  = file("${path.module}/patterns/inventory.json")
  }
}
