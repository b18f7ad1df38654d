# Short names for `python -m workshop …` and `python -m devtools …`, which work the same without make.
#   make up STAGE=2      make order ARGS="--help"      make follow ORDER=…      make PYTHON=python3.13 demo

PYTHON ?= python3

# -E: variables such as PYTHONPATH change nothing here.
# Values reach the command through the environment: whatever they hold, the shell does not run it.
export STAGE ORDER SEEDS
ANY = @command -v "$(PYTHON)" > /dev/null || { echo "Python is missing: install 3.11 or newer, or name one: make PYTHON=… $@" >&2; exit 2; }; \
      exec "$(PYTHON)" -E -m
RUN = $(ANY) workshop $@
DEV = $(ANY) devtools $@
STAGE_OPTION = $${STAGE:+--stage "$$STAGE"}
ORDER_OPTION = $${ORDER:+"$$ORDER"}
SEEDS_OPTION = $${SEEDS:+--seeds "$$SEEDS"}

.PHONY: help help-dev demo board up down status setup clean check exercise incident progress lab order follow why stock logs env dlq redrive reconcile replay gateway faults rehearse bootstrap plan apply deploy release smoke rollback drift destroy test test-all simulate simulate-selftest stack exercises browser fmt docs board-pictures lint types unit terraform deployed notebooks notebooks-refresh bench soak mutants prove-aws lock security

help: ## the learner's commands
	@sed -n '/^## maintainers/q;/^## /{s/^## \(.*\)/\n\1/p;};/^[a-z-]*: ; .*## /{s/^\([a-z-]*\):.*## /  make \1	/;s/\$$\$$/$$/g;p;}' $(firstword $(MAKEFILE_LIST)) | expand -t 25
	@printf '\nMaintainers: make help-dev\n'
help-dev: ## the maintainers' commands
	@sed -n '/^## maintainers/,$${s/^## \(.*\)/\n\1/p;/^[a-z-]*: ; .*## /{s/^\([a-z-]*\):.*## /  make \1	/;s/\$$\$$/$$/g;p;};}' $(firstword $(MAKEFILE_LIST)) | expand -t 25

## run the system on this machine
demo: ; $(RUN) $(ARGS) ## set up, deploy all stages, send orders through
board: ; $(RUN) $(ARGS) ## watch the running stack in a browser
up: ; $(RUN) $(STAGE_OPTION) $(ARGS) ## deploy a stage: make up STAGE=2, or all of them
status: ; $(RUN) $(ARGS) ## show what runs, and what tables and queues hold
down: ; $(RUN) $(ARGS) ## stop the local cloud
setup: ; $(RUN) $(ARGS) ## download everything that the other commands need
clean: ; $(RUN) $(ARGS) ## delete what the tools made; your files stay

## learn
check: ; $(RUN) $(STAGE_OPTION) $(ARGS) ## check that the stack does what its stages promise
exercise: ; $(RUN) $(ARGS) ## fix something broken: make exercise ARGS="01.1 start"
incident: ; $(RUN) $(ARGS) ## find and repair what is wrong with the stack
progress: ; $(RUN) $(ARGS) ## show what you have done, and what comes next
lab: ; $(RUN) $(ARGS) ## open the notebooks on the running stack

## work with orders and failures
order: ; $(RUN) $(ARGS) ## place an order
follow: ; $(RUN) $(ORDER_OPTION) $(ARGS) ## show an order's journey: make follow ORDER=…
why: ; $(RUN) $(ARGS) ## say why an event did not arrive: make why ARGS=FILE
stock: ; $(RUN) $(ARGS) ## show the stock, or set it: make stock ARGS="MOUSE=9"
logs: ; $(RUN) $(ARGS) ## show the functions' logs: make logs ARGS=payment
env: ; $(RUN) $(ARGS) ## lead AWS tools to the stack: eval "$$(make -s env)"
dlq: ; $(RUN) $(ARGS) ## show the dead letters: what failed, where and why
redrive: ; $(RUN) $(ARGS) ## send dead letters to the function that failed
reconcile: ; $(RUN) $(ARGS) ## re-publish the events of stalled orders
replay: ; $(RUN) $(ARGS) ## send archived events again: make replay ARGS=shipping
gateway: ; $(RUN) $(ARGS) ## switch the payment gateway: make gateway ARGS=down
faults: ; $(RUN) $(ARGS) ## inject faults: duplicate, delay, reorder or drop events

## deploy to AWS
deploy: ; $(RUN) $(STAGE_OPTION) $(ARGS) ## deploy to your AWS account (asks first)
smoke: ; $(RUN) $(ARGS) ## send one real order, from the API to its shipment
rollback: ; $(RUN) $(ARGS) ## return to the code that was live before
destroy: ; $(RUN) $(ARGS) ## remove the stack from your AWS account (asks first)
bootstrap: ; $(RUN) $(ARGS) ## prepare your AWS account for the pipeline, once
rehearse: ; $(RUN) $(ARGS) ## start an empty local cloud, to rehearse a deployment
plan: ; $(RUN) $(STAGE_OPTION) $(ARGS) ## show what deploying would change; kept for `apply`
apply: ; $(RUN) $(ARGS) ## do exactly what was planned
release: ; $(RUN) $(ARGS) ## make the newest code live, verify it, or go back
drift: ; $(RUN) $(STAGE_OPTION) $(ARGS) ## compare the stack with what Terraform left

## maintainers: test
test: ; $(DEV) $(ARGS) ## the essential tests, five minutes
test-all: ; $(DEV) $(ARGS) ## every test, fifteen minutes
lint: ; $(DEV) $(ARGS) ## style and format of the code
types: ; $(DEV) $(ARGS) ## type hints
unit: ; $(DEV) $(ARGS) ## tests that need no cloud
terraform: ; $(DEV) $(ARGS) ## tests of the Terraform configuration
stack: ; $(DEV) $(ARGS) ## flow and notebooks on one deployed stack
exercises: ; $(DEV) $(ARGS) ## each exercise from its start to its end
browser: ; $(DEV) $(ARGS) ## the board in a real browser
deployed: ; $(DEV) $(ARGS) ## stages, an account and pages on local clouds
notebooks: ; $(DEV) $(ARGS) ## run the notebooks and compare with the saved outputs
security: ; $(DEV) $(ARGS) ## scan workflows and Terraform
simulate: ; $(DEV) $(SEEDS_OPTION) $(ARGS) ## each failure, seed by seed: make simulate SEEDS=1000000
simulate-selftest: ; $(DEV) $(ARGS) ## plant bugs that the simulation must find
soak: ; $(DEV) $(ARGS) ## send 10,000 orders through faults, check the books
mutants: ; $(DEV) $(ARGS) ## change the code in small ways; a test must notice
bench: ; $(DEV) $(ARGS) ## measure the budgets
prove-aws: ; $(DEV) $(ARGS) ## run the README's story in your AWS account (asks first)

## maintainers: generate
fmt: ; $(DEV) $(ARGS) ## format all code
docs: ; $(DEV) $(ARGS) ## update what is generated in the documents
board-pictures: ; $(DEV) $(ARGS) ## take the README's pictures of the board
notebooks-refresh: ; $(DEV) $(ARGS) ## run the notebooks and save the outputs
lock: ; $(DEV) $(ARGS) ## pin the dependencies again
