/* core/exponential.h: the exponential function, the same bits on every machine
 *
 * libm's last bit differs between versions and between CPUs with and without FMA; proposals must not. With
 * x = k log 2 + r, |r| <= log(2) / 2, log 2 in two parts: exp x = 2^k (1 + r + r^2 / 2 + ...), of which 14
 * terms are enough for a double. Within 2 ulp; a float32 rounded from it is the nearest one but for one in
 * 10^8. Build with -ffp-contract=off.
 */
#ifndef ANC_CORE_EXPONENTIAL_H
#define ANC_CORE_EXPONENTIAL_H

#include <math.h>

static inline double anc_exp(double x)
{
    if (!(x > -745.2 && x < 709.7))
        return x > 0 ? INFINITY : x != x ? x : 0; /* beyond float64's ends, or nearly */
    double k = rint(x * 0x1.71547652b82fep+0);
    double r = x - k * 0x1.62e42fee00000p-1 - k * 0x1.a39ef35793c76p-33;
    double sum = 1;
    for (int i = 14; i > 0; i--) sum = 1 + r * sum / i;
    return ldexp(sum, (int)k);
}

/* 1 / (1 + exp(-x)), rounded once */
static inline float anc_sigmoid(float x) { return (float)(1 / (1 + anc_exp(-(double)x))); }

#endif
