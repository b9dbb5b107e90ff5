"""The deliberate differences from the original commands, each with its reason."""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from dataclasses import replace

from tests.commands.replay.expectations import (
    USAGE,
    Difference,
    Expected,
    in_any_order,
    lines_in_order,
    matching,
    options_of_help,
    version,
)
from tests.commands.replay.recording import Run

Change = Callable[[Run, Expected], Expected]

_ERRORS = (
    r"(?m)^(Error: |Network error: |Failed |Error parsing user configuration file |'%' must be |'\w+'$"
    r"|error loading certificate|certificate file not found|cannot generate ).*\n"
    r"(?:(?:file: |'endpoint = x|'nonsense).*\n|\n)*"
)
_CHATTER = (
    r"(?m)^(Downloading from: |Accessing (compute|storage) service at: |Checking image availability\.|Manifest with ID "
    r"|Using VM template file: |on endpoint: |Warning: 'pat|Contacting the server |Calling: |Signature jar file: "
    r"|Creating file |Detail: ).*\n"
    r"|^Received response: .*\nwith content:\n.*\n|^with template:\n(.*\n)*?(?= :: Machine|\Z)|^<hidden>\n|^$\n"
)
_STARTED = (
    r"\n :+\n :: Starting machine\(s\) ::\n :+\n :: Starting 1 machine\n :: Machine 1 \(vm ID: \d+\)\n"
    r"\tPublic ip: [\d.]+\n :: Done!\n"
)
_CLUSTER = (
    r"\n :+\n :: Starting cluster ::\n :+\n\n :+\n :: Starting machine\(s\) ::\n :+\n :: Starting 2 machines\n"
    r"(?: :: Machine \d \(vm ID: \d+\)\n\tPublic ip: [\d.]+\n){2} :: Done!\n(?: ::.*\n|\.\n|\t.*\n|\n)+ :: Done!\n"
)
_IMAGES = r"(?:Description: (?:.+\n)+ID: [\w-]{27}\n(?:.+\n)+####\n\n)+"
_NO_SESSION = 255
_WITHOUT_DASHES = r"[0-9a-f]{32}"
_UUID = r"[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}"


def _says(text: str) -> Callable[[Run], bool]:
    """Runs with a text in what was recorded."""
    return lambda run: text in run.output or text in run.errors


def _is_fine(output: str) -> Change:
    """What failed works.

    :param output: a regular expression for what is printed
    """
    return lambda _run, expected: replace(expected, status=0, output="", compare=matching(output), error="")


def _is_refused(_run: Run, expected: Expected) -> Expected:
    """What worked is refused before anything is sent."""
    before = r"(\n :+\n :: Starting machine\(s\) ::\n :+\n :: Starting 1 machine\n)?"
    return replace(expected, status=1, output="", compare=matching(before), error=r"\AError: .+\n\Z")


def _as_recorded(_run: Run, expected: Expected) -> Expected:
    """The same is printed for another thing."""
    return expected


def _printed(pattern: str, replacement: str = "") -> Change:
    """Something else is printed."""
    return lambda _run, expected: replace(expected, output=re.sub(pattern, replacement, expected.output))


def _value_of(run: Run, *options: str) -> list[str]:
    return [value for option, value in zip(run.argv, run.argv[1:], strict=False) if option in options]


def _has_size_in_words(run: Run) -> bool:
    return any(not value.isdigit() for value in _value_of(run, "--cpu", "--ram", "--swap"))


def _names_several_volumes(run: Run) -> bool:
    return run.command == "stratus-describe-volumes" and len(_volumes_of(run)) > 1


def _volumes_of(run: Run) -> list[str]:
    return [word for word in run.argv[1:] if re.fullmatch(f"{_UUID}|{_WITHOUT_DASHES}", word)]


def _shows_all(run: Run, expected: Expected) -> Expected:
    shown = "".join(f":: DISK {uuid}\n" for uuid in _volumes_of(run))
    return replace(expected, output=shown, compare=in_any_order)


def _deletes_all(run: Run, expected: Expected) -> Expected:
    dashed = [
        re.sub(r"(.{8})(.{4})(.{4})(.{4})(.{12})", r"\1-\2-\3-\4-\5", u.replace("-", "")) for u in _volumes_of(run)
    ]
    return replace(expected, status=0, output="".join(f"DELETED {uuid}\n" for uuid in dashed), error="")


def _remote_status(run: Run, expected: Expected) -> Expected:
    number = re.search(r"\bexit (\d+)", run.typed)
    status = _NO_SESSION if "Connection refused" in run.errors else int(number[1] if number else 0)
    return replace(expected, status=status, error="")


def _framed(text: str) -> str:
    rule = ":" * (len(text) + 6)
    return f"\n {rule}\n :: {text} ::\n {rule}\n"


def _finishes(run: Run, expected: Expected) -> Expected:
    """An image is made, where the original stopped at its scripts."""
    [email] = _value_of(run, "--author-email")
    end = _framed("Finished building image increment.") + _framed(
        f"Please check {email} for new image ID and instruction."
    )
    step = " :: Executing user scripts\n"
    return replace(expected, status=0, output=expected.output.replace(step, step + end), error="")


def _has_that_master(_run: Run, expected: Expected) -> Expected:
    """A cluster has the machine as its master that was named, which is the first one of this recording."""
    address = r"((?:\d+\.){3})(\d+)"
    output = re.sub(rf"\tMaster is {address}\n", r"\tMaster is \g<1>1\n\tWorker: \g<1>\g<2>\n", expected.output)
    return replace(expected, output=output.replace("\n.\n", "\n.\n.\n"))


DIFFERENCES: Sequence[Difference] = (
    Difference(
        "Errors go to standard error: a script that reads the output does not take them for a result.",
        lambda run: run.status not in (0, USAGE) and re.search(_ERRORS, run.output) is not None,
        _printed(_ERRORS),
    ),
    Difference(
        "A command that fails ends with exit code 1, where the original had 255.",
        lambda run: run.status == 255,
        lambda _run, expected: replace(expected, status=1),
    ),
    Difference(
        "`--help` is written anew; it has the same usage and all options, and ends with an example.",
        lambda run: "--help" in run.argv[1:],
        lambda _run, expected: replace(expected, compare=options_of_help),
    ),
    Difference(
        "`--version` prints the version of this distribution.",
        lambda run: run.argv[1:] == ["--version"],
        lambda _run, expected: replace(expected, compare=version),
    ),
    Difference(
        "What `-v` tells besides is in other words, and on standard error; the lines that are printed without it stay.",
        lambda run: run.verbosity > 0,
        lambda run, expected: replace(_printed(_CHATTER)(run, expected), compare=lines_in_order),
    ),
    Difference(
        "`stratus-list-images` needs nothing that is not installed with it.",
        lambda run: _says("mechanize not found")(run) and "--help" not in run.argv,
        _is_fine(_IMAGES),
    ),
    Difference(
        "`stratus-list-images --help` as well; it has options now.",
        lambda run: _says("mechanize not found")(run) and "--help" in run.argv,
        _is_fine(r"Usage: stratus-list-images \[options\]\n(.*\n)+"),
    ),
    Difference(
        "`--cpu`, `--ram` and `--swap` must be numbers; the original sent any text, and the machine had no memory.",
        _has_size_in_words,
        _is_refused,
        afterwards=lambda world, run: world.start(run.argv[-1]),
    ),
    Difference(
        "So no listing has a machine with such a size.",
        lambda run: " many 0 " in run.output,
        _printed(r"many 0      ", "1    1572864"),
    ),
    Difference(
        "`ID/email/date` is an image of the Marketplace; the original gave it to the cloud as the text that it is.",
        lambda run: re.fullmatch(r"[\w-]{27}/[^/]+/[^/]+", run.argv[-1]) is not None,
        _as_recorded,
        is_another_machine=True,
        afterwards=lambda world, _run: world.without_root_disk(),
    ),
    Difference(
        "`-t` goes before the file's `instance_type`, and the file's `default_instance_type` has an effect.",
        lambda run: "\n58  Running   1    1572864" in run.output,
        lambda run, expected: _printed(r"(?m)^(58 +Running   )1    1572864", r"\g<1>2    6291456")(
            run, _printed(r"(?m)^(56 +Running   )2    6291456", r"\g<1>1    1572864")(run, expected)
        ),
    ),
    Difference(
        "So the machine that is started has another size.",
        lambda run: any(word.endswith("/ditype.cfg") for word in run.argv) or {"-t", "m1.small"} <= set(run.argv),
        _as_recorded,
        is_another_machine=True,
    ),
    Difference(
        "A machine's name may have quotation marks, which broke the original's template.",
        _says("Parse error: syntax error"),
        _is_fine(_STARTED),
        afterwards=lambda world, _run: world.forget_the_last(),
    ),
    Difference(
        "A configuration file with `user_private_key_file` can be used.",
        lambda run: run.output == "'userPrivateKeyFile'\n",
        _is_fine(_STARTED),
        afterwards=lambda world, _run: world.forget_the_last(),
    ),
    Difference(
        "An empty line in a file of IDs is nothing.",
        _says("invalid literal for int() with base 10: ''"),
        _is_fine(""),
    ),
    Difference(
        "Of several UUIDs each is shown, where the original looked for one volume that had them all.",
        _names_several_volumes,
        _shows_all,
    ),
    Difference(
        "A UUID without dashes is sent with them, as the disk service knows it.",
        lambda run: run.command == "stratus-delete-volume" and any(re.fullmatch(_WITHOUT_DASHES, w) for w in run.argv),
        _deletes_all,
    ),
    Difference(
        "`stratus-detach-volume` ends with 1 if a volume could not be detached, and says why in other words.",
        lambda run: run.command == "stratus-detach-volume" and run.output.startswith("DISK "),
        lambda _run, expected: replace(expected, status=1, compare=matching(rf"DISK {_UUID}: .+\n")),
    ),
    Difference(
        "`stratus-copy-config --force` overwrites a file that cannot be read.",
        lambda run: run.argv[0] == "stratus-copy-config" and "--force" in run.argv and run.status != 0,
        _is_fine(""),
    ),
    Difference(
        "No Java is needed to check signatures; one with SHA-1 is good, with a warning, where Java 17 forbids it.",
        _says("It is forbidden to use algorithm"),
        _is_fine(r"Valid: .+\n"),
    ),
    Difference(
        "The exit code of `stratus-connect-instance` is that of the remote shell, and 255 without a session.",
        lambda run: run.command == "stratus-connect-instance" and run.status == 0 and "--help" not in run.argv,
        _remote_status,
    ),
    Difference(
        "The scripts of `stratus-create-image` arrive at a sandbox's machines.",
        lambda run: run.command == "stratus-create-image" and "uploading script" in run.errors,
        _finishes,
    ),
    Difference(
        "`stratus-run-cluster --master-vmid` makes that machine the master, where the original had it in no cluster.",
        lambda run: "--master-vmid" in run.argv,
        _has_that_master,
    ),
    Difference(
        "`stratus-run-cluster` knows the instance types of the configuration file.",
        lambda run: run.command == "stratus-run-cluster" and "Unknown instance type" in run.output,
        _is_fine(_CLUSTER),
    ),
    Difference(
        "The sandbox writes 'cannot'.",
        lambda run: "can not be read" in run.output,
        _printed("can not be read", "cannot be read"),
    ),
)
