/* io/hdf5/h5_inner.h: what io/h5*.c share, for no one else */
#ifndef ANC_IO_HDF5_H5_INNER_H
#define ANC_IO_HDF5_H5_INNER_H

#include "io/hdf5/h5.h"

/* Every HDF5 call clears the messages of the last failure; put them aside while tidying up after one. */
hid_t anc_h5_keep_messages(void);
void anc_h5_restore_messages(hid_t kept);

/* How files are opened for reading, to be closed by the caller: without locks, since finished files do not
 * change and some file systems have none. */
hid_t anc_h5_reading(void);

/* Frees what f holds besides its id, and zeroes it. */
void anc_h5_forget(anc_h5_file *f);

/* Takes the result of closing a part of a file that is being written: HDF5 may only now have written it. f
 * may be NULL. */
void anc_h5_closed(anc_h5_file *f, herr_t result);

typedef enum { ANC_H5_OUT, ANC_H5_IN } anc_h5_direction;

/* Moves rows [first, first + n), of elements of `type`, between memory and file; 0, or what HDF5 has messages
 * for. */
int anc_h5_transfer(const anc_h5_data *d, hid_t type, int64_t first, int64_t n, void *rows,
                    anc_h5_direction way);

/* The name of an open object, for errors. */
const char *anc_h5_name_of(hid_t id, char *text, size_t capacity);

/* How many rows of `bytes` each pass through memory at a time. */
int64_t anc_h5_rows_at_once(size_t bytes);

#endif
