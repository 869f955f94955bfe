/* core/logarithm.h: the natural logarithm, the same bits on every machine and in every kernel table
 *
 * libm's last bit differs between versions and between CPUs with and without FMA; targets must not. With
 * x = m 2^e, m in [sqrt(1/2), sqrt(2)) and s = (m - 1) / (m + 1):
 *     log x = e log 2 + 2 (s + s^3 / 3 + s^5 / 5 + ...),  |s| < 0.172
 * of which eleven terms are enough for a double. Within 2 ulp; a float32 rounded from it is the nearest one
 * but for one in 10^8. Build with -ffp-contract=off.
 */
#ifndef ANC_CORE_LOGARITHM_H
#define ANC_CORE_LOGARITHM_H

#include <float.h>
#include <math.h>
#include <stdint.h>
#include <string.h>

#define ANC_LOG_2          0x1.62e42fefa39efp-1
#define ANC_SQRT_HALF_BITS 0x3fe6a09e667f3bcdLL /* of sqrt(1/2) */

static const double anc_log_terms[11] = { 1.0,        1.0 / 3.0,  1.0 / 5.0,  1.0 / 7.0,
                                          1.0 / 9.0,  1.0 / 11.0, 1.0 / 13.0, 1.0 / 15.0,
                                          1.0 / 17.0, 1.0 / 19.0, 1.0 / 21.0 };

static inline double anc_log(double x)
{
    if (!(x >= DBL_MIN && x <= DBL_MAX))
        return log(x); /* 0, negative, infinite, NaN, or too small for m 2^e */
    int64_t bits, e;
    memcpy(&bits, &x, sizeof bits);
    e = (bits - ANC_SQRT_HALF_BITS) >> 52; /* rounds down: m is in [sqrt(1/2), sqrt(2)) */
    bits -= (int64_t)((uint64_t)e << 52);
    double m, s, square, sum = anc_log_terms[10];
    memcpy(&m, &bits, sizeof m);
    s = (m - 1) / (m + 1);
    square = s * s;
    for (int i = 9; i >= 0; i--) sum = sum * square + anc_log_terms[i];
    return (double)e * ANC_LOG_2 + 2 * s * sum;
}

#endif
