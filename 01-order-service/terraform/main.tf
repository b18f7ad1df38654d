# Stage 1: the bus that all services use, the table of orders, and two functions.

# Encrypted at rest with a key that AWS owns. A customer managed key would cost a dollar a month and
# a request per call, and protect against no threat that this project has.
resource "aws_cloudwatch_event_bus" "this" {
  name        = "${var.stack.name_prefix}-bus"
  description = "Events of orders, payments, inventory and shipping"
}

# Encrypted at rest with a key that AWS owns, for the same reason as the bus.
resource "aws_dynamodb_table" "orders" {
  name         = "${var.stack.name_prefix}-orders"
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

  # Only orders that are not finished have `open`, so the index stays small: oldest first.
  global_secondary_index {
    name      = "open-orders"
    hash_key  = "open"
    range_key = "placed_at"
    # With the status, each step would write to the index, always under its one key.
    projection_type = "KEYS_ONLY"
  }

  point_in_time_recovery {
    enabled = true
  }
}

module "order_api" {
  source = "../../terraform/modules/event-function"

  stack       = var.stack
  key         = "order-api"
  description = "Accepts orders and returns their status"
  bundle      = aws_s3_object.bundle
  handler     = "order_service.handler.api"
  steps       = ["order-created"]

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

  stack            = var.stack
  key              = "order-tracker"
  description      = "Moves an order's status forward as events arrive"
  bundle           = aws_s3_object.bundle
  handler          = "order_service.tracker.track"
  failure_handling = var.failure_handling

  table = {
    name    = aws_dynamodb_table.orders.name
    arn     = aws_dynamodb_table.orders.arn
    actions = ["UpdateItem"]
  }

  # All four event types from the start, so that no later stage changes this rule.
  consumes = {
    event_bus_name = aws_cloudwatch_event_bus.this.name
    event_pattern  = file("${path.module}/patterns/order-tracker.json")
  }
}
