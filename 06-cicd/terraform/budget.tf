# For the whole account, in addition to the stack's budget: it also warns when a destroy left resources.
resource "aws_budgets_budget" "account" {
  count = var.alarm_email == null ? 0 : 1

  name         = "account-${var.name_prefix}"
  budget_type  = "COST"
  time_unit    = "MONTHLY"
  limit_amount = tostring(var.monthly_budget_usd)
  limit_unit   = "USD"

  dynamic "notification" {
    for_each = ["FORECASTED", "ACTUAL"]
    content {
      notification_type          = notification.value
      comparison_operator        = "GREATER_THAN"
      threshold                  = 100
      threshold_type             = "PERCENTAGE"
      subscriber_email_addresses = [var.alarm_email]
    }
  }
}
