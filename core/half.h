/* core/half.h: IEEE 754 binary16, as features are stored, and float32 */
#ifndef ANC_CORE_HALF_H
#define ANC_CORE_HALF_H

#include <stdint.h>
#include <string.h>

/* Every binary16 has a float32, so nothing is rounded. */
static inline float anc_half(uint16_t h)
{
    uint32_t sign = (uint32_t)(h & 0x8000) << 16, rest = h & 0x7fff, bits = rest << 13;
    float f;
    memcpy(&f, &bits, sizeof f);
    f *=
        0x1p112f; /* the exponents' biases differ by 112; float32 multiplies subnormals into place, exactly */
    memcpy(&bits, &f, sizeof f);
    if (rest >= 0x7c00)
        bits = 0x7f800000 | (rest & 0x3ff) << 13 | (uint32_t)(rest > 0x7c00) << 22; /* infinite, NaN */
    bits |= sign;
    memcpy(&f, &bits, sizeof f);
    return f;
}

/* The nearest binary16, the even one of two; too large becomes infinite. */
static inline uint16_t anc_half_from(float f)
{
    uint32_t bits;
    memcpy(&bits, &f, sizeof bits);
    uint32_t sign = bits >> 16 & 0x8000;
    bits &= 0x7fffffff;
    if (bits > 0x7f800000) return (uint16_t)(sign | 0x7e00);
    if (bits >= 0x477ff000) return (uint16_t)(sign | 0x7c00); /* 65520 and more */
    if (bits < 0x38800000) { /* below 2^-14: adding 0.5 rounds at 2^-24, the unit of subnormals */
        memcpy(&f, &bits, sizeof f);
        f += 0.5f;
        memcpy(&bits, &f, sizeof bits);
        return (uint16_t)(sign | (bits - 0x3f000000));
    }
    bits += 0xfff + (bits >> 13 & 1);
    return (uint16_t)(sign | (bits - 0x38000000) >> 13);
}

#endif
