/* io/hdf5/h5_virtual.h: what a virtual dataset of somebody's file maps, before HDF5 follows it
 *
 * HDF5 (1.10) follows a dataset that maps itself, directly or through another, until its stack is used up,
 * and gives fill values without a word where a mapped file is missing.
 */
#ifndef ANC_IO_HDF5_H5_VIRTUAL_H
#define ANC_IO_HDF5_H5_VIRTUAL_H

#include "core/err.h"
#include <hdf5.h>
#include <stdint.h>

/* Checks that each mapping of the creation list is of a file beside `path` or of an absolute name, another
 * one than path, that is there, of an ordinary dataset in it. *stored: bytes that those datasets have stored.
 * Errors: ANC_EDATA, ANC_EMEMORY. */
anc_status anc_h5_virtual_check(const char *path, hid_t plist, uint64_t *stored, anc_err *err);

#endif
