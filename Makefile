# Short names for `python -m workshop …`, which works the same without make (on Windows, say).
#   make up STAGE=2      make order ARGS="--help"      make follow ORDER=…      make PYTHON=python3.13 demo

PYTHON ?= python3

# Values reach the command through the environment: whatever they hold, the shell does not run it.
export STAGE ORDER
RUN = @command -v "$(PYTHON)" > /dev/null || { echo "Python is missing: install 3.11 or newer, or name one: make PYTHON=… $@" >&2; exit 2; }; \
      exec "$(PYTHON)" -m workshop $@
STAGE_OPTION = $${STAGE:+--stage "$$STAGE"}
ORDER_OPTION = $${ORDER:+"$$ORDER"}

.PHONY: help demo test up down status order follow stock check exercise progress logs env dlq redrive reconcile gateway trouble setup fmt docs lint types unit terraform deployed notebooks notebooks-refresh lab bench lock cloud bootstrap plan apply deploy release smoke rollback drift destroy security ci plan-comment drift-issue nightly-issue gate

help: ## these lines
	@sed -n '/^[a-z-]*:.*## /{s/^\([a-z-]*\):.*## /  make \1	/;s/\$$\$$/$$/g;p;}' $(firstword $(MAKEFILE_LIST)) | expand -t 25
demo: ; $(RUN) $(ARGS) ## set up, deploy all stages, send orders through
test: ; $(RUN) $(ARGS) ## every test there is
up: ; $(RUN) $(STAGE_OPTION) $(ARGS) ## deploy here: make up STAGE=2, or all stages
down: ; $(RUN) $(ARGS) ## stop the local cloud
status: ; $(RUN) $(ARGS) ## what runs, and what tables and queues hold
order: ; $(RUN) $(ARGS) ## place an order
follow: ; $(RUN) $(ORDER_OPTION) $(ARGS) ## an order's journey: make follow ORDER=…
stock: ; $(RUN) $(ARGS) ## the shelf; or fill it: make stock ARGS="MOUSE=9"
check: ; $(RUN) $(STAGE_OPTION) $(ARGS) ## does the stack do what its stages promise?
exercise: ; $(RUN) $(ARGS) ## something to mend: make exercise ARGS="01.1 start"
progress: ; $(RUN) $(ARGS) ## how far you are, and what comes next
logs: ; $(RUN) $(ARGS) ## what the functions logged: make logs ARGS=payment
env: ; $(RUN) $(ARGS) ## exports for any AWS tool: eval "$$(make -s env)"
dlq: ; $(RUN) $(ARGS) ## what failed for good, where and why
redrive: ; $(RUN) $(ARGS) ## hand it to the functions that failed on it once more
reconcile: ; $(RUN) $(ARGS) ## announce orders again that stand still
gateway: ; $(RUN) $(ARGS) ## the payment gateway's switch: make gateway ARGS=down
trouble: ; $(RUN) $(ARGS) ## duplicate, delay, reorder or drop events on purpose
setup: ; $(RUN) $(ARGS) ## get everything ready that the others need
fmt: ; $(RUN) $(ARGS) ## bring all code into shape
docs: ; $(RUN) $(ARGS) ## bring what is generated in the documents up to date
lint: ; $(RUN) $(ARGS) ## style, and shape of the code
types: ; $(RUN) $(ARGS) ## type hints
unit: ; $(RUN) $(ARGS) ## tests that need no cloud
terraform: ; $(RUN) $(ARGS) ## tests of the Terraform configuration
deployed: ; $(RUN) $(ARGS) ## tests of the deployed stack
notebooks: ; $(RUN) $(ARGS) ## run the notebooks: do they say what is saved?
notebooks-refresh: ; $(RUN) $(ARGS) ## run them anew, and save what they say
lab: ; $(RUN) $(ARGS) ## open JupyterLab on the stack that is up
bench: ; $(RUN) $(ARGS) ## measure the budgets
lock: ; $(RUN) $(ARGS) ## pin dependencies anew
security: ; $(RUN) $(ARGS) ## scan workflows and Terraform for weak spots
cloud: ; $(RUN) $(ARGS) ## start an empty local cloud, to rehearse a deployment
bootstrap: ; $(RUN) $(ARGS) ## prepare your AWS account for the pipeline, once
deploy: ; $(RUN) $(STAGE_OPTION) $(ARGS) ## deploy to your AWS account (asks first)
plan: ; $(RUN) $(STAGE_OPTION) $(ARGS) ## what deploying would change, kept for `apply`
apply: ; $(RUN) $(ARGS) ## do exactly what was planned
release: ; $(RUN) $(ARGS) ## the newest code live, proved, or taken back
smoke: ; $(RUN) $(ARGS) ## one real order, from the API to its shipment
rollback: ; $(RUN) $(ARGS) ## the code that was live before
drift: ; $(RUN) $(STAGE_OPTION) $(ARGS) ## is the stack as Terraform left it?
destroy: ; $(RUN) $(ARGS) ## remove it from your AWS account (asks first)
ci: ; $(RUN) $(ARGS) ## what the pipeline runs on a pull request
plan-comment: ; $(RUN) $(ARGS) ## the pipeline: the plan as a comment on its pull request
drift-issue: ; $(RUN) $(ARGS) ## the pipeline: an issue when the stack has drifted
nightly-issue: ; $(RUN) $(ARGS) ## the pipeline: an issue when newest versions fail
gate: ; $(RUN) $(ARGS) ## the pipeline: did all jobs pass?
