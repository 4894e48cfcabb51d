"""Sums of squares: polynomial functionals for polynomial delay systems, with Gram matrices as proof."""
