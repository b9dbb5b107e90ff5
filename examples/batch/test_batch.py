"""What batch promises, on a cloud within the test."""

import subprocess
import sys

import batch
import pytest

SQUARE = "#!/bin/sh\necho $(($1 * $1))\n"


def test_each_argument_has_its_result(stratuslab_driver):
    machines = batch.run(stratuslab_driver, SQUARE, ["3", "4"])
    assert [machine.output for machine in machines] == ["9\n", "16\n"]


def test_no_machine_is_left(stratuslab_driver):
    machines = batch.run(stratuslab_driver, "#!/bin/sh\nexit 3\n", ["1"])
    assert machines[0].exit_status == 3
    stratuslab_driver.ex_wait_until_gone([machines[0].node])
    assert stratuslab_driver.list_nodes() == []


@pytest.mark.sandbox_faults("compute:one.vm.allocate:reset-after:0.5")
def test_lost_answers_cost_nothing(stratuslab_driver, stratuslab_sandbox):
    machines = batch.run(stratuslab_driver, SQUARE, ["1", "2", "3"])
    assert [machine.output for machine in machines] == ["1\n", "4\n", "9\n"]
    assert len(stratuslab_sandbox.machines) == 3


@pytest.mark.sandbox_options(machine_limit=2)
def test_what_was_possible_is_not_lost(stratuslab_driver):
    machines = batch.run(stratuslab_driver, "#!/bin/sh\nsleep 1\necho $1\n", ["1", "2", "3"])
    assert sorted(machine.state for machine in machines) == ["deployed", "deployed", "failed"]


@pytest.mark.usefixtures("stratuslab_sandbox")
def test_the_command(tmp_path):
    script = tmp_path / "script.sh"
    script.write_text("#!/bin/sh\n[ $1 != bad ] && echo fine\n")
    command = [sys.executable, batch.__file__, script, "good", "bad"]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert done.stdout.splitlines()[0] == "good: fine"
    assert "ended with status 1" in done.stdout.splitlines()[1]
    assert (done.returncode, done.stderr) == (1, "")
