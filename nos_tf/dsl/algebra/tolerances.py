"""The tolerances of the algebra, each with the reason for its size.

Keys show numbers to `DIGITS` digits. An identity must not affect these digits, or equal rules would get different keys;
where it would, it is not applied.
"""

DIGITS = 12  # Double precision has 16; the last four are left to rounding.

# Adding numbers.
CANCELED_TO_ZERO = 1e-14  # A sum smaller than this, relative to its terms, is rounding: the terms cancel to zero.
CANCELED_DIGITS = 1e-3  # A sum smaller than this, relative to its terms, has lost digits that a key shows.
FAINT = 5e-6  # Half of the digits; a term relatively smaller than this loses digits that distinguish rules.

# Comparing bounds.
BOUND_ROUNDING = 1e-12  # One unit of the last digit shown: bounds of one factor that differ by less are equal.
POSITIVE = 1e-9  # A sum with a lower bound above this is positive, however its terms were rounded.

# Dividing.
VISIBLE = 1e-9  # The smallest ratio of delta to a divisor, or vice versa, that a key shows.

# Exponentials and logarithms.
LOGARITHM_DIGITS = 1e-3  # A logarithm smaller than this, of a number so close to 1, has lost digits.
LARGEST_CONSTANT_EXPONENT = 300.0  # exp(300) = 1e130: two such factors can be multiplied without overflow.
LARGEST_LOG_LIMIT = 500.0  # exp(500) = 1e217: a clip's limit is not a factor of a product, so it may be larger.
SMALLEST_COEFFICIENT, LARGEST_COEFFICIENT = 1e-250, 1e250  # Leaves room for sums before they under- or overflow.

# Values in single precision, in which children are trained.
NO_UNDERFLOW_EXPONENT = -60.0  # exp(-60) = 1e-26, so no such exponential is zero.
NO_OVERFLOW = 1e30  # The reciprocal is not zero.

# Comparing a program with its normal form at probes.
AGREEMENT = 1e-6  # Relative: a wrong identity differs by far more, and a right one loses at most ten digits.
CANCELLATION_ROUNDING = 1e-12  # Relative to the largest part of a sum: what rounding leaves when the parts cancel.
UNDERFLOW = 1e-200  # Absolute: smaller values have lost digits to underflow along the way.
