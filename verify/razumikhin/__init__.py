"""Razumikhin functions: which multipliers a linear matrix inequality needs, found by searches. float64."""
