# All events of the last two weeks, for a replay. Unlike a redrive, a replay reaches every consumer.
# Each consumer repeats its stored outcome.
resource "aws_cloudwatch_event_archive" "this" {
  name             = "${var.stack.name_prefix}-archive"
  description      = "Events of all services, for a replay"
  event_source_arn = var.stack.event_bus.arn
  retention_days   = local.kept_days

  event_pattern = jsonencode({
    source = [{ prefix = "orderflow." }]
  })
}
