/* io/hdf5/h5_guard.h: last words for a crash inside HDF5, or an endless loop
 *
 * HDF5 1.10 has known faults with damaged and hostile files: a wild pointer, a division by zero, a list that
 * it never comes to the end of. What is sealed (io/file/seal.h) was checked before HDF5 sees it. While HDF5 has
 * any other file in hand, a crash of this thread, or too much computing for one call, calls the function that
 * the program has set for it, which says which file it was, and ends the process: nothing can go on after it.
 * Without such a function nothing is guarded.
 */
#ifndef ANC_IO_HDF5_H5_GUARD_H
#define ANC_IO_HDF5_H5_GUARD_H

#include <stdbool.h>
#include <stddef.h>

enum { ANC_H5_GUARD_S = 20 };

/* last_words is called inside of a signal handler, on a stack of its own: it may call only what is
 * async-signal-safe, and must not return. stuck: after so many seconds of computing (waiting does not count)
 * in one call that reads metadata; calls that read data have more, by their size. NULL: no guard, as at
 * first. */
void anc_h5_guard_set(void (*last_words)(const char *path, bool stuck), int seconds);

/* Around calls of HDF5 on a file. They nest; path must outlive the outermost pair. NULL does nothing. */
void anc_h5_guard_enter(const char *path);
void anc_h5_guard_leave(const char *path);

/* Before a call that reads so many bytes, within a pair: the seconds count anew. */
void anc_h5_guard_reading(const char *path, size_t bytes);

#endif
