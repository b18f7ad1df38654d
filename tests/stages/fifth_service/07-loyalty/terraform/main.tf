# Stage 7: awards points for a shipped order.

# Encrypted at rest with a key that AWS owns (the reason: stage 1).
resource "aws_dynamodb_table" "points" {
  name         = "${var.stack.name_prefix}-points"
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

# The function's code.
resource "aws_s3_object" "bundle" {
  bucket      = var.stack.bundle_bucket
  key         = "loyalty_service.zip"
  source      = "${var.stack.bundle_dir}/loyalty_service.zip"
  source_hash = filebase64sha256("${var.stack.bundle_dir}/loyalty_service.zip")
}

module "loyalty" {
  source = "../../terraform/modules/event-function"

  stack            = var.stack
  key              = "loyalty"
  description      = "Awards points for a shipped order"
  bundle           = aws_s3_object.bundle
  handler          = "loyalty_service.handler.award"
  steps            = ["points-awarded"]
  failure_handling = var.failure_handling

  table = {
    name    = aws_dynamodb_table.points.name
    arn     = aws_dynamodb_table.points.arn
    actions = ["PutItem"]
  }

  publishes = {
    event_bus   = var.stack.event_bus
    source      = "orderflow.loyalty"
    detail_type = "PointsAwarded"
  }

  consumes = {
    event_bus_name = var.stack.event_bus.name
    event_pattern  = file("${path.module}/patterns/loyalty.json")
  }
}
