"""The chapter on SMILES runs, and what it prints is right."""

import re

import pytest


@pytest.mark.slow
def test_cnn_on_smiles(run_example):
    run = run_example("course/4_cnn_on_smiles.py")
    assert (run.returncode, run.stderr) == (0, "")
    assert "as embed's: True" in run.stdout
    assert " O  c  1  c  c  c  ( Cl  )  c  c  1  C" in run.stdout
    effects = [float(found) for found in re.findall(r"^([+-]\d\.\d\d) ", run.stdout, re.M)]
    assert len(effects) == 12
    assert effects == sorted(effects)
