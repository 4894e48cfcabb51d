"""Schemes x[t+1] = g(x[t], x[t-d]): quadratic functions of the lifted state, and delays that make it grow."""
