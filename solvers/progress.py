"""A progress bar on standard error, for integrations that are asked to show one."""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace

from certdde.solvers.options import Options


@contextmanager
def reporting(options: Options) -> Iterator[Options]:
    """Replace ``progress=True`` by a function that moves a bar, which is there as long as the context."""
    if options.progress is not True:
        yield options
        return
    from rich.console import Console
    from rich.progress import Progress

    with Progress(console=Console(stderr=True), transient=True) as bar:
        task = bar.add_task("integrating", total=1.0)

        def move(fraction: float) -> None:
            bar.update(task, completed=fraction)

        yield replace(options, progress=move)
