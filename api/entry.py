"""Where the command `tianzhang` begins."""

import gc


def main() -> None:
    """Run the command."""
    # A command ends before garbage in cycles could matter, and looking for it takes a fifth of an import's time: from
    # the first module on that is loaded. The server turns it on again.
    gc.disable()
    from api.command import main as run

    try:
        run()
    finally:
        gc.freeze()  # nor is it looked for at the end, when the system takes all of it back anyway
