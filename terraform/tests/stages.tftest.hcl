# Each stage contains the earlier stages and its own resources, and nothing else.

mock_provider "aws" {
  source = "./tests/mocks"
}

variables {
  bundle_dir = "tests/bundles"
}

run "stage_1_takes_orders" {
  variables {
    stage = 1
  }

  assert {
    condition     = output.api_endpoint == "https://a1b2c3d4e5.execute-api.us-east-1.amazonaws.com"
    error_message = "On AWS the endpoint is the API's own, not ${output.api_endpoint}."
  }

  assert {
    condition = output.function_names == {
      order-api     = "orderflow-order-api"
      order-tracker = "orderflow-order-tracker"
    }
    error_message = "Stage 1 has other functions: ${jsonencode(output.function_names)}"
  }

  assert {
    condition     = output.table_names == { orders = "orderflow-orders" }
    error_message = "Stage 1 has other tables: ${jsonencode(output.table_names)}"
  }

  assert {
    condition     = length(concat(module.payment, module.inventory, module.shipping)) == 0
    error_message = "Stage 1 contains a later stage."
  }

  assert {
    condition     = output.event_bus_name == "orderflow-bus" && output.region == "us-east-1"
    error_message = "Stage 1 must own the bus orderflow-bus in us-east-1."
  }
}

run "stage_2_adds_payment" {
  command = plan

  variables {
    stage = 2
  }

  assert {
    condition     = keys(output.function_names) == ["order-api", "order-tracker", "payment", "payment-refund"]
    error_message = "Stage 2 has other functions: ${jsonencode(output.function_names)}"
  }

  assert {
    condition     = keys(output.table_names) == ["orders", "payments"]
    error_message = "Stage 2 has other tables: ${jsonencode(output.table_names)}"
  }

  assert {
    condition     = length(module.payment) == 1 && length(concat(module.inventory, module.shipping)) == 0
    error_message = "Stage 2 is stage 1 and payment."
  }
}

run "stage_3_adds_inventory" {
  command = plan

  variables {
    stage = 3
  }

  assert {
    condition     = keys(output.function_names) == ["inventory", "order-api", "order-tracker", "payment", "payment-refund"]
    error_message = "Stage 3 has other functions: ${jsonencode(output.function_names)}"
  }

  assert {
    condition     = keys(output.table_names) == ["inventory", "orders", "payments"]
    error_message = "Stage 3 has other tables: ${jsonencode(output.table_names)}"
  }

  assert {
    condition     = length(concat(module.payment, module.inventory)) == 2 && length(module.shipping) == 0
    error_message = "Stage 3 is stage 2 and inventory."
  }
}

run "stage_4_adds_shipping" {
  command = plan

  variables {
    stage = 4
  }

  assert {
    condition     = keys(output.function_names) == ["inventory", "order-api", "order-tracker", "payment", "payment-refund", "shipping"]
    error_message = "Stage 4 has other functions: ${jsonencode(output.function_names)}"
  }

  assert {
    condition     = keys(output.table_names) == ["inventory", "orders", "payments", "shipments"]
    error_message = "Stage 4 has other tables: ${jsonencode(output.table_names)}"
  }

  assert {
    condition     = length(concat(module.payment, module.inventory, module.shipping)) == 3
    error_message = "Stage 4 is all four services."
  }

  assert {
    condition     = length(output.dead_letter_queue_urls) == 0
    error_message = "Before stage 5 there are no dead-letter queues."
  }
}

run "stage_5_adds_recovery" {
  command = plan

  variables {
    stage = 5
  }

  assert {
    condition     = setsubtract(keys(output.function_names), keys(run.stage_4_adds_shipping.function_names)) == toset(["redrive", "reconciler"])
    error_message = "Stage 5 has other functions: ${jsonencode(output.function_names)}"
  }

  assert {
    condition     = output.table_names == run.stage_4_adds_shipping.table_names
    error_message = "Stage 5 has other tables: ${jsonencode(output.table_names)}"
  }

  assert {
    condition = { for key, queues in output.dead_letter_queue_urls : key => keys(queues) } == {
      for key in ["order-tracker", "payment", "payment-refund", "inventory", "shipping"] : key => ["failed", "undelivered"]
    }
    error_message = "From stage 5 on, each function that events invoke has two dead-letter queues."
  }

  # A test of the root cannot read a target; tests/architecture checks that a stage passes this on.
  assert {
    condition = (
      keys(local.failure_handling) == sort(local.consumers)
      && length(regexall("failure_handling\\s*=\\s*local[.]failure_handling", file("main.tf"))) == 4
    )
    error_message = "Every stage with consumers is given their dead-letter queues."
  }
}

run "stage_6_adds_aliases_and_is_the_default" {
  assert {
    condition     = var.stage == 6
    error_message = "The default is the last stage."
  }

  assert {
    condition = (
      output.function_names == run.stage_5_adds_recovery.function_names
      && keys(output.dead_letter_queue_urls) == keys(run.stage_5_adds_recovery.dead_letter_queue_urls)
    )
    error_message = "Stage 6 lost a function or a queue of stage 5."
  }

  assert {
    condition     = output.live_alias == "live" && run.stage_5_adds_recovery.live_alias == null
    error_message = "Stage 6 adds the alias, and its name is live."
  }

  assert {
    condition = alltrue([
      for function in local.functions : endswith(function.invoke_arn, ":live") && !endswith(function.arn, ":live")
    ])
    error_message = "A function has no alias: ${jsonencode({ for key, function in local.functions : key => function.invoke_arn })}"
  }
}

run "on_the_local_cloud_with_another_prefix" {
  variables {
    stage       = 4
    name_prefix = "team-7"
    local       = { endpoint_url = "http://127.0.0.1:4566" }
  }

  assert {
    condition     = output.api_endpoint == "http://127.0.0.1:4566/_aws/execute-api/a1b2c3d4e5"
    error_message = "The local cloud serves the API under a path, not at ${output.api_endpoint}."
  }

  assert {
    condition = alltrue([
      for name in concat(values(output.function_names), values(output.table_names), [output.event_bus_name]) :
      startswith(name, "team-7-")
    ])
    error_message = "A name does not start with the prefix."
  }
}

run "a_buffer_adds_its_queues_to_what_recovery_knows" {
  command = plan

  variables {
    stage    = 5
    buffered = ["payment", "shipping"]
  }

  assert {
    condition     = keys(output.buffer_queue_urls) == ["payment", "shipping"] && length(run.stage_5_adds_recovery.buffer_queue_urls) == 0
    error_message = "Exactly the functions in `buffered` have a buffer: ${jsonencode(keys(output.buffer_queue_urls))}"
  }

  assert {
    condition = { for key, queues in output.dead_letter_queue_urls : key => length(queues) } == {
      for key in ["order-tracker", "payment", "payment-refund", "inventory", "shipping"] : key => contains(["payment", "shipping"], key) ? 3 : 2
    }
    error_message = "A buffer has a dead-letter queue of its own."
  }
}

run "a_function_without_events_has_no_buffer" {
  command = plan

  variables {
    stage    = 2
    buffered = ["shipping"]
  }

  expect_failures = [var.buffered]
}
