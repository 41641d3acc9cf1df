"""Lets these tests use the servers and players of the black-box tests."""

import pathlib
import sys

sys.path[:0] = [str(pathlib.Path(__file__).parent),
                str(pathlib.Path(__file__).parents[1] / "blackbox")]
