output "functions" {
  description = "By function key: see the module event-function"
  value = {
    payment        = module.payment.function
    payment-refund = module.payment_refund.function
  }
}

output "tables" {
  description = "By table key: name and arn"
  value = {
    payments = { name = aws_dynamodb_table.payments.name, arn = aws_dynamodb_table.payments.arn }
  }
}
