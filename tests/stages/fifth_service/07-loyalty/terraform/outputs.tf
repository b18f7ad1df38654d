output "functions" {
  description = "By function key: see the module event-function"
  value = {
    loyalty = module.loyalty.function
  }
}

output "tables" {
  description = "By table key: name and arn"
  value = {
    points = { name = aws_dynamodb_table.points.name, arn = aws_dynamodb_table.points.arn }
  }
}
