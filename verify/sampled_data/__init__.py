"""Sample and hold: solutions from one sampling instant to the next, and quadratic functions of them."""
