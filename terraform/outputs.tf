output "api_endpoint" {
  description = "URL of the HTTP API, without a path such as /orders"
  # The local cloud serves an API under a path: names like <id>.execute-api.localhost do not resolve everywhere.
  value = (
    var.local == null
    ? module.order_service.api.endpoint
    : "${var.local.endpoint_url}/_aws/execute-api/${module.order_service.api.id}"
  )
}

output "event_bus_name" {
  description = "Name of the bus that all services use"
  value       = module.order_service.event_bus.name
}

output "region" {
  description = "Region of the stack"
  value       = var.region
}

output "function_names" {
  description = "By function key, the names of the functions of this stage"
  value       = { for key, function in local.functions : key => function.name }
}

output "table_names" {
  description = "By table key, the names of the tables of this stage"
  value       = { for key, table in local.tables : key => table.name }
}

output "dead_letter_queue_urls" {
  description = "By consumer's key, the URLs of its queues of undelivered, of failed and, with a buffer, of unprocessed events; empty before stage 5"
  value       = var.stage >= 5 ? module.errors_dlq[0].dead_letter_queue_urls : {}
}

output "live_alias" {
  description = "Name of the alias through which every function is invoked; null before stage 6"
  value       = local.stack.live_alias
}

output "buffer_queue_urls" {
  description = "By consumer's key, the URL of the queue between its rule and itself; only of those in `buffered`"
  value       = { for key, function in local.services : key => function.buffer.url if function.buffer != null }
}
