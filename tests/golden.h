/* tests/golden.h: reading what other systems produced (tests/golden), and holding results to it */
#ifndef ANC_TESTS_GOLDEN_H
#define ANC_TESTS_GOLDEN_H

#include "tests/check.h"
#include <hdf5.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

/* A whole dataset of elements of `size` bytes, malloc'ed; *n is its first dimension. */
static inline void *golden_load(hid_t group, const char *name, hid_t type, size_t size, size_t *n)
{
    hid_t d = H5Dopen2(group, name, H5P_DEFAULT);
    CU_ASSERT_FATAL(d >= 0);
    hid_t space = H5Dget_space(d);
    hsize_t dims[4] = { 0 };
    H5Sget_simple_extent_dims(space, dims, NULL);
    size_t all = (size_t)H5Sget_simple_extent_npoints(space);
    void *data = malloc(all * size + 1);
    CU_ASSERT_FATAL(data && H5Dread(d, type, H5S_ALL, H5S_ALL, H5P_DEFAULT, data) >= 0);
    if (n) *n = (size_t)dims[0];
    H5Sclose(space);
    H5Dclose(d);
    return data;
}

/* How many float32 numbers lie between two. */
static inline int64_t golden_ulps(float a, float b)
{
    int32_t x, y;
    if (a != a && b != b) return 0;
    memcpy(&x, &a, 4);
    memcpy(&y, &b, 4);
    int64_t p = x < 0 ? -(int64_t)(x & INT32_MAX) : x, q = y < 0 ? -(int64_t)(y & INT32_MAX) : y;
    return p > q ? p - q : q - p;
}

#endif
