# Stage 3: the goods of a paid order are reserved, all lines or none.

# Encrypted at rest with a key AWS owns, as every table is (why no other: stage 1).
resource "aws_dynamodb_table" "inventory" {
  name         = "${var.name_prefix}-inventory"
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
  bucket      = var.bundle_bucket
  key         = "inventory_service.zip"
  source      = "${var.bundle_dir}/inventory_service.zip"
  source_hash = filebase64sha256("${var.bundle_dir}/inventory_service.zip")
}

module "inventory" {
  source = "../../terraform/modules/event-function"

  name_prefix          = var.name_prefix
  key                  = "inventory"
  description          = "Reserves the goods of a paid order"
  bundle               = aws_s3_object.bundle
  handler              = "inventory_service.handler.reserve"
  account_id           = var.account_id
  log_retention_days   = var.log_retention_days
  live_alias           = var.live_alias
  permissions_boundary = var.permissions_boundary
  failure_handling     = var.failure_handling

  # Both in one transaction: TransactWriteItems has no permission of its own.
  table = {
    name    = aws_dynamodb_table.inventory.name
    arn     = aws_dynamodb_table.inventory.arn
    actions = ["PutItem", "UpdateItem"]
  }

  publishes = {
    event_bus   = var.event_bus
    source      = "orderflow.inventory"
    detail_type = "InventoryUpdated"
  }

  consumes = {
    event_bus_name = var.event_bus.name
    event_pattern  = file("${path.module}/patterns/inventory.json")
  }
}
