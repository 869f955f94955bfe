/* core/half.h: IEEE 754 binary16, as features are stored, made float32; every value has one, so nothing is
 * rounded */
#ifndef ANC_CORE_HALF_H
#define ANC_CORE_HALF_H

#include <stdint.h>
#include <string.h>

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

#endif
