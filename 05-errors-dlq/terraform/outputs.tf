output "functions" {
  description = "By function key: see the module event-function"
  value = {
    redrive    = module.redrive.function
    reconciler = module.reconciler.function
  }
}

# EventBridge retries as often as it can within the hour: a busy Lambda says nothing about the event.
# A target may use an alias only after the alias has a destination for failures, hence depends_on.
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
  description = "By consumer's key: the URLs of its queues of undelivered and of failed events, and of the unprocessed events of its buffer, if it has one"
  value = {
    for key in var.consumers : key => merge(
      {
        undelivered = aws_sqs_queue.undelivered[key].url
        failed      = aws_sqs_queue.failed[key].url
      },
      { for of, buffer in local.buffers : "unprocessed" => buffer.unprocessed.url if of == key },
    )
  }
}
