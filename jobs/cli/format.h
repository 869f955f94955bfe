/* jobs/cli/format.h: numbers as people read them
 *
 * Each gives its text by value: printf("%s", anc_format_time(t).text) is good until the statement ends.
 */
#ifndef ANC_JOBS_CLI_FORMAT_H
#define ANC_JOBS_CLI_FORMAT_H

#include <stdint.h>

typedef struct {
    char text[64];
} anc_format;

/* Seconds: "12 ms", "8.3 s", "41 s", "2 min 5 s", "2 h 10 min", "3 d 4 h"; "?" for what is no time. */
anc_format anc_format_time(double s);

/* Bytes in powers of 1024: "512 B", "12.1 MiB", "1.3 GiB"; three digits or more lose the decimal. */
anc_format anc_format_bytes(int64_t n);

/* "1,234,567" */
anc_format anc_format_count(int64_t n);

/* A count of things, which are named as one of them is: "1 view", "2 views", "1,234 boxes", "0 categories".
 * Of several words the last is the one that changes: "2 crowd regions". */
anc_format anc_format_of(int64_t n, const char *one);

/* The word that goes with a count: anc_format_verb(n, "has", "have"). */
const char *anc_format_verb(int64_t n, const char *of_one, const char *of_more);

/* A rate per second, for a unit to follow: "0.25", "8.3", "605", "12,345". */
anc_format anc_format_rate(double per_s);

#endif
