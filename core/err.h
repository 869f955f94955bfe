/* core/err.h: status codes and the one-line error text that travels upwards with them */
#ifndef ANC_CORE_ERR_H
#define ANC_CORE_ERR_H

/* Programs branch on few codes; people read the text. */
typedef enum {
    ANC_OK = 0,
    ANC_EARGUMENT, /* the caller or the command line asked for something impossible */
    ANC_EDATA,     /* a file's content is wrong */
    ANC_ESYSTEM,   /* the operating system or a library said no */
    ANC_EMEMORY,   /* out of memory */
    ANC_ESTOPPED   /* someone asked for an early end; nothing is wrong */
} anc_status;

/* Plain bytes, so that MPI can broadcast it. A zeroed one is "no error". */
typedef struct {
    anc_status code;
    char text[1020]; /* one line without control characters (each becomes '?'), NUL-terminated */
} anc_err;

/* Sets the error and returns its code, so that callers write `return anc_fail(...)`. */
anc_status anc_fail(anc_err *err, anc_status code, const char *format, ...)
    __attribute__((format(printf, 3, 4)));

/* Puts "where: " in front of an error that a deeper layer set; returns its code. */
anc_status anc_within(anc_err *err, const char *format, ...) __attribute__((format(printf, 2, 3)));

#endif
