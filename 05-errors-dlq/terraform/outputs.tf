output "functions" {
  description = "By function key: see the module event-function"
  value = {
    redrive    = module.redrive.function
    reconciler = module.reconciler.function
  }
}

# EventBridge tries as often as it can within the hour: it is not the event's fault when Lambda is busy.
# A target that is given this may turn to an alias: it is known by then what becomes of its failures.
output "failure_handling" {
  description = "By consumer's key: dead-letter queue and retry policy of its rule's target"
  value = {
    for key, queue in aws_sqs_queue.undelivered : key => {
      dead_letter_queue_arn        = queue.arn
      maximum_retry_attempts       = 185
      maximum_event_age_in_seconds = local.event_age_seconds
    }
  }

  depends_on = [aws_lambda_function_event_invoke_config.live_consumer]
}

output "dead_letter_queue_urls" {
  description = "By consumer's key: the address of its queue of undelivered and of failed events"
  value = {
    for key in var.consumers : key => {
      undelivered = aws_sqs_queue.undelivered[key].url
      failed      = aws_sqs_queue.failed[key].url
    }
  }
}
