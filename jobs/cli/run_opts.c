/* jobs/cli/run_opts.c: see run_opts.h */
#include "jobs/cli/run_opts.h"

anc_opt anc_opt_time_limit(const char **limit)
{
    return (
        anc_opt){ "time-limit",
                  0,
                  "TIME",
                  ANC_OPT_STRING,
                  limit,
                  0,
                  0,
                  "stop after 90, 15m, 2h or 1:30:00 and exit with 75; the same command goes on from there" };
}

anc_opt anc_opt_dry_run(bool *dry_run)
{
    return (anc_opt){ "dry-run", 0, NULL, ANC_OPT_FLAG,
                      dry_run,   0, 0,    "read and check everything, write nothing" };
}

anc_opt anc_opt_simd(const char **name)
{
    return (anc_opt){ "simd", 0, "NAME", ANC_OPT_STRING,
                      name,   0, 0,      "kernels: avx2 or scalar (the fastest; the output is the same)" };
}

anc_opt anc_opt_summary(const char **path)
{
    return (anc_opt){ "summary-json", 0, "FILE", ANC_OPT_STRING,
                      path,           0, 0,      "write the closing summary for machines" };
}

anc_opt anc_opt_quiet(bool *quiet)
{
    return (anc_opt){ "quiet", 'q', NULL, ANC_OPT_FLAG, quiet, 0, 0, "no progress, no summary" };
}
