# Stage 1: the bus all services talk over, the orders, and the two functions that keep them.

# Encrypted at rest with a key AWS owns, as every bus is. A customer key would cost a
# dollar a month and a request a call, and protect from nobody this project has to fear.
resource "aws_cloudwatch_event_bus" "this" {
  name        = "${var.name_prefix}-bus"
  description = "Events of orders, payments, inventory and shipping"
}

# Encrypted at rest with a key AWS owns, as every table is: the same reason as for the bus.
resource "aws_dynamodb_table" "orders" {
  name         = "${var.name_prefix}-orders"
  billing_mode = "PAY_PER_REQUEST"
  hash_key     = "order_id"

  attribute {
    name = "order_id"
    type = "S"
  }

  attribute {
    name = "customer_id"
    type = "S"
  }

  attribute {
    name = "placed_at"
    type = "S"
  }

  attribute {
    name = "open"
    type = "S"
  }

  # A customer's orders, newest or oldest first.
  global_secondary_index {
    name            = "by-customer"
    hash_key        = "customer_id"
    range_key       = "placed_at"
    projection_type = "INCLUDE"
    # What a list shows; contact, address and payment token stay in the table.
    non_key_attributes = ["status", "total", "currency"]
  }

  # Only orders still under way carry `open`, so the index stays small: oldest first.
  global_secondary_index {
    name      = "open-orders"
    hash_key  = "open"
    range_key = "placed_at"
    # With the status, the index would be written at each step, always under its one key.
    projection_type = "KEYS_ONLY"
  }

  point_in_time_recovery {
    enabled = true
  }
}

module "order_api" {
  source = "../../terraform/modules/event-function"

  name_prefix          = var.name_prefix
  key                  = "order-api"
  description          = "Takes orders and tells how they stand"
  bundle               = aws_s3_object.bundle
  handler              = "order_service.handler.api"
  account_id           = var.account_id
  log_retention_days   = var.log_retention_days
  live_alias           = var.live_alias
  permissions_boundary = var.permissions_boundary

  table = {
    name          = aws_dynamodb_table.orders.name
    arn           = aws_dynamodb_table.orders.arn
    actions       = ["GetItem", "PutItem"]
    query_indexes = ["by-customer"]
  }

  publishes = {
    event_bus   = aws_cloudwatch_event_bus.this
    source      = "orderflow.order"
    detail_type = "OrderCreated"
  }
}

module "order_tracker" {
  source = "../../terraform/modules/event-function"

  name_prefix          = var.name_prefix
  key                  = "order-tracker"
  description          = "Moves an order's status forward as events arrive"
  bundle               = aws_s3_object.bundle
  handler              = "order_service.tracker.track"
  account_id           = var.account_id
  log_retention_days   = var.log_retention_days
  live_alias           = var.live_alias
  permissions_boundary = var.permissions_boundary
  failure_handling     = var.failure_handling

  table = {
    name    = aws_dynamodb_table.orders.name
    arn     = aws_dynamodb_table.orders.arn
    actions = ["UpdateItem"]
  }

  # All four events from the start, so that no later stage has to change this rule.
  consumes = {
    event_bus_name = aws_cloudwatch_event_bus.this.name
    event_pattern  = file("${path.module}/patterns/order-tracker.json")
  }
}
