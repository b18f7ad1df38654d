# The exact permissions of each function, and the events that invoke it.

mock_provider "aws" {
  source = "./tests/mocks"
}

variables {
  stage      = 5
  bundle_dir = "tests/bundles"
}

override_resource {
  target = module.order_service.aws_dynamodb_table.orders
  values = { arn = "orders-arn" }
}

override_resource {
  target = module.payment[0].aws_dynamodb_table.payments
  values = { arn = "payments-arn" }
}

override_resource {
  target = module.inventory[0].aws_dynamodb_table.inventory
  values = { arn = "inventory-arn" }
}

override_resource {
  target = module.shipping[0].aws_dynamodb_table.shipments
  values = { arn = "shipments-arn" }
}

run "functions_have_only_their_permissions_and_events" {
  assert {
    condition = alltrue(flatten([
      for function in local.functions : [
        for statement in jsondecode(function.policy).Statement : [
          for action in statement.Action : can(regex("^[a-z]+:[A-Za-z]+$", action))
        ]
      ]
    ]))
    error_message = "An action contains a wildcard."
  }

  assert {
    condition = alltrue(flatten([
      for function in local.functions : [
        for statement in jsondecode(function.policy).Statement :
        statement.Sid == "WriteTraces" || !contains(statement.Resource, "*")
      ]
    ]))
    error_message = "Only X-Ray's two actions may have the resource *."
  }

  assert {
    condition = toset(flatten([
      for function in local.functions : jsondecode(function.policy).Statement[*].Sid
    ])) == toset(["WriteOwnLogs", "WriteTraces", "UseOwnTable", "QueryOwnIndexes", "PublishOwnEvents", "ConsumeDeadLetters", "InvokeConsumers"])
    error_message = "A policy has a statement that this test does not know."
  }

  assert {
    condition = {
      for key, function in local.functions : key => [
        for statement in jsondecode(function.policy).Statement :
        "${join(" ", statement.Action)} on ${join(" ", statement.Resource)}"
        if startswith(statement.Action[0], "dynamodb:")
      ]
      } == {
      order-api = [
        "dynamodb:GetItem dynamodb:PutItem on orders-arn",
        "dynamodb:Query on orders-arn/index/by-customer",
      ]
      order-tracker  = ["dynamodb:UpdateItem on orders-arn"]
      payment        = ["dynamodb:UpdateItem on payments-arn"]
      payment-refund = ["dynamodb:UpdateItem on payments-arn"]
      inventory      = ["dynamodb:PutItem dynamodb:UpdateItem on inventory-arn"]
      shipping       = ["dynamodb:PutItem on shipments-arn"]
      redrive        = []
      reconciler = [
        "dynamodb:GetItem on orders-arn",
        "dynamodb:Query on orders-arn/index/open-orders",
      ]
    }
    error_message = "A function has other permissions on tables than this list."
  }

  assert {
    condition = {
      for key, function in local.functions : key => [
        for statement in jsondecode(function.policy).Statement : statement
        if startswith(statement.Action[0], "events:")
      ]
      } == {
      for key, event in {
        order-api      = ["orderflow.order", "OrderCreated"]
        order-tracker  = []
        payment        = ["orderflow.payment", "PaymentProcessed"]
        payment-refund = ["orderflow.payment", "PaymentProcessed"]
        inventory      = ["orderflow.inventory", "InventoryUpdated"]
        shipping       = ["orderflow.shipping", "ShipmentPrepared"]
        redrive        = []
        reconciler     = ["orderflow.order", "OrderCreated"] # the same event as order-api
        } : key => [
        for pair in chunklist(event, 2) : {
          Sid      = "PublishOwnEvents"
          Effect   = "Allow"
          Action   = ["events:PutEvents"]
          Resource = ["arn:aws:events:us-east-1:123456789012:event-bus/orderflow-bus"]
          Condition = {
            StringEquals = {
              "events:source"      = pair[0]
              "events:detail-type" = pair[1]
            }
          }
        }
      ]
    }
    error_message = "A function may publish exactly its own event type."
  }

  assert {
    condition = {
      for key, function in local.functions : key => jsondecode(function.rule.pattern) if function.rule != null
      } == {
      order-tracker  = jsondecode(file("../01-order-service/terraform/patterns/order-tracker.json"))
      payment        = jsondecode(file("../02-payment/terraform/patterns/payment.json"))
      payment-refund = jsondecode(file("../02-payment/terraform/patterns/payment-refund.json"))
      inventory      = jsondecode(file("../03-inventory/terraform/patterns/inventory.json"))
      shipping       = jsondecode(file("../04-shipping/terraform/patterns/shipping.json"))
    }
    error_message = "A rule's pattern is not the one in its file."
  }

  assert {
    condition     = alltrue([for key in ["order-api", "redrive", "reconciler"] : local.functions[key].rule == null])
    error_message = "No event invokes order-api, redrive or reconciler."
  }
}
