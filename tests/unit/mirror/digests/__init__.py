"""Tests of what a tree's metadata says."""
