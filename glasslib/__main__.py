"""The command line: ``python -m glasslib COMMAND``. Wrong usage ends with exit status 2 and one line."""

import argparse
import ast
import contextlib
import dataclasses
import importlib
import json
import sys

from glasslib import checks, papers, store


class _Parser(argparse.ArgumentParser):
    def __init__(self, **options):
        super().__init__(allow_abbrev=False, **options)

    def error(self, message):
        self.exit(2, f"{self.prog}: {message}\n")


def _scorecard(arguments):
    from glasslib import scorecard

    rows = scorecard.scorecard()
    print(json.dumps(rows, indent=1, ensure_ascii=False) if arguments.json else scorecard.table(rows))


def _paper(arguments):
    """Return (a paper's module, the parameters that the command asks for); ValueError where they cannot be used."""
    paper = importlib.import_module(f"glasslib.papers.{arguments.paper}")
    given = {name: value for name, value in vars(arguments).items() if name in ("seed", "samples") and value is not None}
    own = {field.name: field.type for field in dataclasses.fields(paper.Parameters)}
    for name, text in arguments.parameters or ():
        if name not in own or name == "source":
            raise ValueError(f"{name} = {text}: unknown parameter; must be one of {', '.join(sorted(own.keys() - {'source'}))}")
        given[name] = _value(text)
    return paper, paper.Parameters(**{"scale": arguments.scale, "source": "compute"} | given)


def _value(text):
    try:
        return ast.literal_eval(text)
    except (ValueError, SyntaxError):
        return text


def _run(arguments):
    from glasslib.papers import campaign

    paper, given = _paper(arguments)
    campaign.select(paper, given, **_chosen(arguments))
    with _executor(arguments) as executor:
        campaign.run(paper, given, executor, workers=arguments.workers, **_chosen(arguments))


def _chosen(arguments):
    return {"only": arguments.only, "glass": arguments.glass, "first": arguments.first}


def _status(arguments):
    from glasslib.papers import campaign

    paper, given = _paper(arguments)
    print(campaign.status_table(campaign.status(paper, given, **_chosen(arguments))))
    if given.is_published():
        print(f"published for these parameters: {', '.join(f'data/{name}' for name in given.FILES)}")


@contextlib.contextmanager
def _executor(arguments):
    """The executor of a dask cluster, or None for processes of our own."""
    if arguments.dask is None:
        yield None
        return
    if arguments.workers is not None:
        raise ValueError(f"workers = {arguments.workers!r}: must be left out with --dask, whose cluster has its own")
    try:
        from distributed import Client
    except ImportError:
        raise ValueError("dask: not installed; install glasslib with the extra 'cluster'") from None
    try:
        client = Client() if arguments.dask == "local" else Client(arguments.dask, timeout="10s")
    except (OSError, ValueError) as error:
        raise ValueError(f"dask = {arguments.dask!r}: no scheduler answers there ({error})") from None
    with client:
        yield client.get_executor()


def _publish(arguments):
    from glasslib.papers import campaign

    paper = importlib.import_module(f"glasslib.papers.{arguments.paper}")
    for path in campaign.publish(paper, drop=arguments.drop):
        print(path)
    reached = campaign.total(campaign.status(paper, paper.Parameters(source="compute")))
    print(f"{reached.finished} of {reached.wanted} samples finished; {store.register()} files registered")


def _measure(arguments):
    from glasslib import measured

    for key in arguments.papers:  # argparse would hold no paper at all for a wrong one
        checks.choice("paper", key, papers.KEYS)
    count = measured.write(arguments.papers or papers.KEYS)
    print(f"{count} numbers of published arrays in {store.ledger_file(measured.FILE)}")


def _data(arguments):
    if not store.registry():
        print("no file is published yet")
    for name in store.registry():
        path = store.published(name)
        print(f"{name}: {path.stat().st_size / 1e6:.2f} MB, as registered")


def _warm(arguments):
    from glasslib import warm

    warm.compile_kernels()


def _parser():
    parser = _Parser(prog="python -m glasslib", description="Mechanics of glasses: five papers, redrawn and judged.")
    commands = parser.add_subparsers(dest="command", required=True, metavar="COMMAND")

    def add(name, function, summary):
        command = commands.add_parser(name, help=summary, description=summary)
        command.set_defaults(function=function)
        return command

    command = add("scorecard", _scorecard, "print the verdict on every claim of the five papers")
    command.add_argument("--json", action="store_true", help="one object per claim instead of a table")
    def add_run(name, function, summary):
        command = add(name, function, summary)
        command.add_argument("paper", choices=papers.KEYS)
        command.add_argument("--scale", default="book", choices=("smoke", "book", "paper"))
        command.add_argument("--seed", type=int, help="entropy of the ensembles")
        command.add_argument("--samples", type=int, help="independent samples of each ensemble")
        command.add_argument("-p", dest="parameters", nargs=2, action="append", metavar=("NAME", "VALUE"),
                             help="another parameter of the paper's notebook")  # fmt: skip
        command.add_argument("--only", action="append", metavar="STAGE", help="this stage alone; may be given again")
        command.add_argument("--glass", action="append", metavar="LABEL", help="this glass alone; may be given again")
        command.add_argument("--first", type=int, metavar="N", help="the first N samples of each ensemble alone")
        return command

    command = add_run("run", _run, "compute the missing samples of a paper's ensembles; goes on where it was stopped")
    command.add_argument("--workers", type=int, help="processes; as many as cores if not given")
    command.add_argument("--dask", metavar="ADDRESS", help="address of a dask scheduler, or 'local' for one of our own")
    add_run("status", _status, "print how far a paper's ensembles are, and what the rest takes")
    command = add("publish", _publish, "gather a paper's finished samples into data/ and register them")
    command.add_argument("paper", choices=papers.KEYS)
    command.add_argument("--drop", action="store_true", help="even if published arrays or samples are lost by it")
    command = add("measure", _measure, "measure claims anew from the published arrays, after a change of how they are measured")
    command.add_argument("papers", nargs="*", metavar="paper", help=f"these alone of {', '.join(papers.KEYS)}")
    add("data", _data, "check the published data against its registered hashes")
    add("warm", _warm, "compile the engines' kernels into the cache")
    return parser


def main(arguments=None):
    """Run one command; return the exit status."""
    arguments = _parser().parse_args(arguments)
    try:
        arguments.function(arguments)
    except ValueError as error:
        return _fail(error, 2)
    except KeyboardInterrupt as error:
        return _fail(str(error) or "interrupted", 130)
    except BrokenPipeError:  # the reader of our output, such as head, has had enough
        sys.stderr.close()
        return 0
    except (OSError, RuntimeError) as error:
        return _fail(error, 1)
    return 0


def _fail(error, status):
    line = " ".join(str(error).split()) or type(error).__name__
    print(f"python -m glasslib: {line}", file=sys.stderr)
    return status


if __name__ == "__main__":
    sys.exit(main())
