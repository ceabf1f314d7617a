"""The tolerances of the algebra, each with the reason for its size.

Keys show numbers to `DIGITS` digits. An identity may lose less than that, or two equal rules would get different keys;
where it would lose more, it is not applied.
"""

DIGITS = 12  # Double precision holds 16; the last four are left to rounding.

# Adding numbers.
CANCELLED_TO_ZERO = 1e-14  # A sum of less than this part of its terms is rounding: they are equal, the sum is zero.
CANCELLED_DIGITS = 1e-3  # A sum of less than this part of its terms has lost digits that a key shows.
FAINT = 5e-6  # Half of the digits; a smaller part of a sum loses digits that tell rules apart.

# Comparing bounds.
BOUND_ROUNDING = 1e-12  # One unit of the last digit shown: bounds of one factor that differ by less are equal.
POSITIVE = 1e-9  # A sum's lower bound above this is positive, whatever its terms lost by rounding.

# Dividing.
VISIBLE = 1e-9  # The least ratio of delta and a divisor, or the other way round, that the key shows.

# Exponentials and logarithms.
LOGARITHM_DIGITS = 1e-3  # The logarithm of a number so near to 1 that it is smaller than this has lost digits.
LARGEST_CONSTANT_EXPONENT = 300.0  # exp(300) = 1e130: two such factors can be multiplied without overflow.
LARGEST_LOG_LIMIT = 500.0  # exp(500) = 1e217: a clip's limit is no factor of a product, so it may be larger.
SMALLEST_COEFFICIENT, LARGEST_COEFFICIENT = 1e-250, 1e250  # Away from underflow and overflow by what a sum can add.

# Values in single precision, in which children are trained.
NO_UNDERFLOW_EXPONENT = -60.0  # exp(-60) = 1e-26, so no such exponential is zero.
NO_OVERFLOW = 1e30  # The reciprocal is not zero.

# Comparing a program with its normal form at probes.
AGREEMENT = 1e-6  # Relative: an identity that is wrong differs by far more, one that is right loses at most ten digits.
CANCELLATION_ROUNDING = 1e-12  # Relative to the largest part of a sum: what rounding leaves when the parts cancel.
UNDERFLOW = 1e-200  # Absolute: smaller values have lost their digits to underflow somewhere on the way.
