"""Delayed negative feedback in one dimension: bounds of its gain, and an interval that no solution leaves."""
