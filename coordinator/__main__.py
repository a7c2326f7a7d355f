"""The command `muster`, and `python -m coordinator`: says in a sentence what is missing where it can't run."""

import sys

OURS = ("wire", "gcode", "gcode_templates", "coordinator")


def main() -> None:
    """Run the command; ends the process."""
    try:
        from coordinator.cli import main as command  # noqa: PLC0415  it needs the extra
    except ModuleNotFoundError as error:
        name = (error.name or "").partition(".")[0]
        if name in OURS:
            raise
        sys.exit(
            f"Error: {name} is not installed here, which comes with the coordinator's extra: pip install"
            " 'muster[coordinator]' (a maker's command is muster-agent)"
        )
    command()


if __name__ == "__main__":
    main()
