output "api_endpoint" {
  description = "Address of the HTTP API, to be followed by a path such as /orders"
  # The local cloud serves an API under a path: names like <id>.execute-api.localhost do not resolve everywhere.
  value = (
    var.local == null
    ? module.order_service.api.endpoint
    : "${var.local.endpoint_url}/_aws/execute-api/${module.order_service.api.id}"
  )
}

output "event_bus_name" {
  description = "Name of the bus all services talk over"
  value       = module.order_service.event_bus.name
}

output "region" {
  description = "Region the stack lives in"
  value       = var.region
}

output "function_names" {
  description = "By function key, the functions this stage has"
  value       = { for key, function in local.functions : key => function.name }
}

output "table_names" {
  description = "By table key, the tables this stage has"
  value       = { for key, table in local.tables : key => table.name }
}

output "dead_letter_queue_urls" {
  description = "By consumer's key, the addresses of its queues of undelivered and of failed events; empty before stage 5"
  value       = var.stage >= 5 ? module.errors_dlq[0].dead_letter_queue_urls : {}
}

output "live_alias" {
  description = "Name of the alias through which every function is invoked; null before stage 6"
  value       = local.live_alias
}
