# All events of the last two weeks, to be sent through the bus again. Unlike a redrive, a replay
# reaches every consumer; each knows what it has done already.
resource "aws_cloudwatch_event_archive" "this" {
  name             = "${var.name_prefix}-archive"
  description      = "Events of the four services, for a replay"
  event_source_arn = var.event_bus.arn
  retention_days   = local.kept_days

  event_pattern = jsonencode({
    source = ["orderflow.order", "orderflow.payment", "orderflow.inventory", "orderflow.shipping"]
  })
}
