output "functions" {
  description = "By function key: see the module event-function"
  value = {
    shipping = module.shipping.function
  }
}

output "tables" {
  description = "By table key: name and arn"
  value = {
    shipments = { name = aws_dynamodb_table.shipments.name, arn = aws_dynamodb_table.shipments.arn }
  }
}
