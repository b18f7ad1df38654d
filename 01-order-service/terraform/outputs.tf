output "functions" {
  description = "By function key: see the module event-function"
  value = {
    order-api     = module.order_api.function
    order-tracker = module.order_tracker.function
  }
}

output "tables" {
  description = "By table key: name and arn"
  value = {
    orders = { name = aws_dynamodb_table.orders.name, arn = aws_dynamodb_table.orders.arn }
  }
}

output "event_bus" {
  description = "Name and arn of the bus"
  value       = { name = aws_cloudwatch_event_bus.this.name, arn = aws_cloudwatch_event_bus.this.arn }
}

output "bundle_bucket" {
  description = "Bucket for the functions' code of all stages"
  value       = aws_s3_bucket.bundles.bucket
}

output "api" {
  description = "Id, AWS endpoint and access log group of the HTTP API"
  value = {
    id             = aws_apigatewayv2_api.orders.id
    endpoint       = aws_apigatewayv2_api.orders.api_endpoint
    log_group_name = aws_cloudwatch_log_group.api.name
  }
}
