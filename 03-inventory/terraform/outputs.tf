output "functions" {
  description = "By function key: see the module event-function"
  value = {
    inventory = module.inventory.function
  }
}

output "tables" {
  description = "By table key: name and arn"
  value = {
    inventory = { name = aws_dynamodb_table.inventory.name, arn = aws_dynamodb_table.inventory.arn }
  }
}
