/* bench/packing.c: see packing.h */
#include "bench/packing.h"
#include "io/hdf5/chunk.h"
#include "io/hdf5/h5.h"
#include "io/store/targets_table.h"
#include <stdio.h>
#include <stdlib.h>
#include <time.h>
#include <unistd.h>

static double cpu_s(void)
{
    struct timespec t;
    clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &t);
    return (double)t.tv_sec + 1e-9 * (double)t.tv_nsec;
}

/* HDF5's own filters, or with level 0 none. Returns the bytes stored. */
static hsize_t write_filtered(hid_t f, const char *name, hid_t type, hsize_t n, hsize_t chunk, int level,
                              const void *data)
{
    hid_t plist = H5Pcreate(H5P_DATASET_CREATE), space = H5Screate_simple(1, &n, NULL);
    H5Pset_chunk(plist, 1, &chunk);
    if (level) {
        H5Pset_shuffle(plist);
        H5Pset_deflate(plist, (unsigned)level);
    }
    H5Pset_fletcher32(plist);
    hid_t d = H5Dcreate2(f, name, type, space, H5P_DEFAULT, plist, H5P_DEFAULT);
    H5Dwrite(d, type, H5S_ALL, H5S_ALL, H5P_DEFAULT, data);
    H5Dflush(d);
    hsize_t stored = H5Dget_storage_size(d);
    H5Dclose(d);
    H5Sclose(space);
    H5Pclose(plist);
    return stored;
}

/* Packed by io/hdf5/chunk.c and handed over. */
static hsize_t write_packed(hid_t f, const char *name, hid_t type, hsize_t n, hsize_t chunk, int level,
                            int noise, const void *data)
{
    hid_t plist = H5Pcreate(H5P_DATASET_CREATE), space = H5Screate_simple(1, &n, NULL);
    H5Pset_chunk(plist, 1, &chunk);
    H5Pset_shuffle(plist);
    H5Pset_deflate(plist, 1);
    H5Pset_fletcher32(plist);
    hid_t d = H5Dcreate2(f, name, type, space, H5P_DEFAULT, plist, H5P_DEFAULT);
    anc_chunk_packer *p;
    anc_err err;
    if (anc_chunk_packer_new(4 * chunk, level, &p, &err)) exit(1);
    for (hsize_t at = 0; at + chunk <= n; at += chunk) {
        const void *out;
        size_t n_out;
        anc_chunk_pack(p, (const char *)data + 4 * at, 4 * chunk, 4, noise, &out, &n_out);
        H5Dwrite_chunk(d, H5P_DEFAULT, 0, &at, n_out, out);
    }
    anc_chunk_packer_free(p);
    hsize_t stored = H5Dget_storage_size(d);
    H5Dclose(d);
    H5Sclose(space);
    H5Pclose(plist);
    return stored;
}

int bench_packing(const anc_targets *t, const char *dir)
{
    static const struct {
        const char *way;
        int packed, level, noise;
    } ways[] = {
        { "none", 0, 0, 0 },
        { "hdf5_deflate_1", 0, 1, 0 },
        { "hdf5_deflate_4", 0, 4, 0 },
        { "libdeflate_1", 1, 1, 0 },
        { "libdeflate_2", 1, 2, 0 },
        { "libdeflate_4", 1, 4, 0 },
        { "libdeflate_2_noise", 1, 2, 2 },
    };
    enum { CHUNK = ANC_H5_CHUNK_BYTES / 4, ROUNDS = 3 };
    const struct {
        const char *name;
        const void *data;
        hsize_t n;
    } columns[] = {
        { "anchor", t->column[ANC_MINIBATCH_ANCHOR], (hsize_t)t->n[ANC_ROWS_MINIBATCH] },
        { "target", t->column[ANC_POSITIVES_TARGET], 4 * (hsize_t)t->n[ANC_ROWS_POSITIVES] },
    };
    char path[4096], name[64];
    snprintf(path, sizeof path, "%s/anchorage-packing.h5", dir);
    for (int c = 0; c < 2; c++) {
        hsize_t n = columns[c].n / CHUNK * CHUNK;
        for (size_t w = 0; w < sizeof ways / sizeof *ways; w++) {
            double best = 1e9;
            hsize_t stored = 0;
            for (int round = 0; round < ROUNDS; round++) {
                hid_t f = H5Fcreate(path, H5F_ACC_TRUNC, H5P_DEFAULT, H5P_DEFAULT);
                if (f < 0) {
                    fprintf(stderr, "timings: %s cannot be written\n", path);
                    return 1;
                }
                double start = cpu_s();
                stored = ways[w].packed ? write_packed(f, "x", H5T_NATIVE_INT32, n, CHUNK, ways[w].level,
                                                       ways[w].noise, columns[c].data)
                                        : write_filtered(f, "x", H5T_NATIVE_INT32, n, CHUNK, ways[w].level,
                                                         columns[c].data);
                double took = cpu_s() - start;
                best = took < best ? took : best;
                H5Fclose(f);
            }
            snprintf(name, sizeof name, "pack.%s.%s", columns[c].name, ways[w].way);
            printf("%-30s %12.4g %-8s %.3f of its size, shuffled and checksummed; best of %d, CPU time\n",
                   name, 4e-6 * (double)n / best, "MB/s", (double)stored / (4 * (double)n), ROUNDS);
        }
    }
    unlink(path);
    return 0;
}
