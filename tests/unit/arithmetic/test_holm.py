"""Holm's procedure, step by step."""

from __future__ import annotations

from loadtests.arithmetic.holm import rejected


def test_nothing_tested_is_nothing_found():
    assert rejected({}, 0.05) == set()


def test_one_test_is_held_against_the_whole_level():
    assert rejected({"a": 0.05}, 0.05) == {"a"}
    assert rejected({"a": 0.051}, 0.05) == set()


def test_each_next_one_has_one_test_less_beside_it():
    assert rejected({"a": 0.01, "b": 0.02, "c": 0.04}, 0.05) == {"a", "b", "c"}


def test_the_first_that_fails_ends_it_for_those_after():
    assert rejected({"a": 0.01, "b": 0.026, "c": 0.03}, 0.05) == {"a"}


def test_equal_values_are_rejected_together_or_not_at_all():
    assert rejected({"a": 0.025, "b": 0.025}, 0.05) == {"a", "b"}
    assert rejected({"a": 0.03, "b": 0.03}, 0.05) == set()
