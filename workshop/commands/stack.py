"""Verbs that bring the local stack up and down."""

from typing import Annotated

import typer

from workshop import bundles, terraform
from workshop.console import out, say
from workshop.paths import CLOUDS, STAGES
from workshop.stack import cloud_name, current
from workshop.up import down as take_down
from workshop.up import up as bring_up

app = typer.Typer()

Stage = Annotated[
    int | None,
    typer.Option(min=STAGES[0], max=STAGES[-1], help="How far the system is built; default: all."),
]


@app.command()
def setup() -> None:
    """Get everything ready that the other verbs need, and say what was found."""
    terraform.Terraform(CLOUDS / "default", {}).init()
    bundles.build()
    bytecode = "with" if bundles.find_compiler() else "without"
    say(f"Ready: environments, Terraform and its provider, bundles ({bytecode} bytecode).")


@app.command()
def up(
    stage: Stage = None,
    port: Annotated[
        int | None, typer.Option(min=1, max=65535, help="The local cloud's; default: 4566 or next.")
    ] = None,
) -> None:
    """Deploy the system to the local cloud, up to a stage, with Terraform."""
    stack = bring_up(stage, cloud_name(), port)
    say(f"API: {stack.outputs.api_endpoint}")
    say('Next: `make check STAGE=…`, `make status`, or `eval "$(make -s env)"` for any AWS tool.')


@app.command()
def down() -> None:
    """Stop the local cloud; what it held is gone."""
    stopped = take_down(cloud_name())
    say("The local cloud is stopped." if stopped else "No local cloud was running.")


@app.command()
def env(
    shell: Annotated[str, typer.Option(help="Whose language: sh, fish or powershell.")] = "sh",
) -> None:
    """Print what lets any AWS tool reach the stack: eval "$(make -s env)"."""
    templates = {
        "sh": ("export {}='{}'", "unset {}"),
        "fish": ("set -gx {} '{}'", "set -e {}"),
        "powershell": ("$env:{} = '{}'", "Remove-Item Env:{}"),
    }
    if shell not in templates:
        raise typer.BadParameter(f"{shell} is not one of {', '.join(templates)}.")
    export, unset = templates[shell]
    target = current().target
    lines = [unset.format(name) for name in target.unsets()]
    lines += [export.format(name, value) for name, value in target.exports().items()]
    out.print("\n".join(lines), markup=False, soft_wrap=True)
