/* tests/unit/test_seal.c: every damaged byte of a sealed file is found */
#include "io/file/seal.h"
#include "io/store/targets.h"
#include "tests/check.h"
#include <fcntl.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <unistd.h>

/* A shard of no views, whose every kind of byte is there: superblock, headers, attributes, contiguous data,
 * chunks. */
static const char *shard(const char *name)
{
    anc_targets t;
    anc_err err = { 0 };
    int64_t n;
    const char *path = check_path("%s", name);
    const anc_rules *r = anc_rules_preset("torchvision-fpn");
    CU_ASSERT_FATAL(!anc_targets_init(&t, r, (anc_kept){ true, true, true, false }, &err));
    CU_ASSERT_FATAL(
        !anc_targets_write(&t, path, &(anc_targets_about){ .config = "{}", .rules = r }, &n, &err));
    anc_targets_clear(&t);
    return path;
}

static void every_flipped_byte_of_a_shard_is_found(void)
{
    const char *path = shard("sealed.h5");
    size_t n;
    unsigned char *bytes = (unsigned char *)check_slurp(path, &n);
    anc_err err = { 0 };
    CU_ASSERT_EQUAL(anc_seal_check(path, &err), ANC_OK);
    int fd = open(path, O_RDWR);
    int64_t missed = 0;
    for (size_t i = 0; i < n; i++) { /* one bit, then all of them */
        unsigned char wrong = bytes[i] ^ (unsigned char)(i % 9 ? 1 << (i % 8) : 255);
        if (pwrite(fd, &wrong, 1, (off_t)i) != 1) missed++;
        err.code = ANC_OK;
        missed += anc_seal_check(path, &err) != ANC_EDATA || !strstr(err.text, "sealed.h5: ");
        if (pwrite(fd, bytes + i, 1, (off_t)i) != 1) missed++;
    }
    close(fd);
    CU_ASSERT(n > 10000);
    CU_ASSERT_EQUAL(missed, 0);
    err.code = ANC_OK;
    CU_ASSERT_EQUAL(anc_seal_check(path, &err), ANC_OK);
    free(bytes);
}

static void a_file_that_is_cut_off_or_longer_is_found(void)
{
    const char *path = shard("cut.h5");
    size_t n;
    char *bytes = check_slurp(path, &n);
    anc_err err;
    for (size_t k = 0; k < n; k += k < n - 64 ? 997 : 1) {
        err.code = ANC_OK;
        CU_ASSERT_EQUAL_FATAL(anc_seal_check(check_file("cut.h5", bytes, k), &err), ANC_EDATA);
    }
    char *longer = calloc(1, n + 1);
    memcpy(longer, bytes, n);
    err.code = ANC_OK;
    CU_ASSERT_EQUAL(anc_seal_check(check_file("cut.h5", longer, n + 1), &err), ANC_EDATA);
    err.code = ANC_OK;
    CU_ASSERT_EQUAL(anc_seal_check(check_path("none.h5"), &err), ANC_ESYSTEM);
    free(longer);
    free(bytes);
}

static void python_computes_the_same_seal(void)
{
    char *text = NULL;
    CU_ASSERT_EQUAL(
        check_run(&text,
                  "/usr/bin/python3 -c \"import zlib; b = open('%s', 'rb').read(); "
                  "print(b[-31:] == b'\\nanchorage-seal crc32 %%08x\\n' %% zlib.crc32(b[:-31]))\"",
                  shard("python.h5")),
        0);
    CU_ASSERT_STRING_EQUAL(text, "True\n");
    free(text);
}

static void a_file_in_use_is_not_sealed(void)
{
    const char *path = check_file("used.bin", "0123456789", 10);
    anc_err err = { 0 };
    uint32_t crc = 0;
    bool sealed;
    int fd = open(path, O_RDONLY);
    CU_ASSERT_EQUAL_FATAL(flock(fd, LOCK_EX | LOCK_NB), 0); /* as HDF5 does for a writer */
    CU_ASSERT_EQUAL(anc_seal_add(path, &crc, &err), ANC_EDATA);
    CU_ASSERT_STRING_EQUAL(err.text, "another program has it open; seal it when that is done");
    CU_ASSERT(lseek(fd, 0, SEEK_END) == 10);
    close(fd);
    err.code = ANC_OK;
    CU_ASSERT_EQUAL(anc_seal_add(path, &crc, &err), ANC_OK);
    CU_ASSERT(!anc_seal_check_any(path, &sealed, &err) && sealed);
    CU_ASSERT_EQUAL(crc, anc_seal_crc32(0, "0123456789", 10));
    CU_ASSERT_EQUAL(anc_seal_add("/nowhere/x.h5", &crc, &err), ANC_ESYSTEM);
}

CHECK_SUITE("seal", CHECK(a_file_in_use_is_not_sealed), CHECK(every_flipped_byte_of_a_shard_is_found),
            CHECK(a_file_that_is_cut_off_or_longer_is_found), CHECK(python_computes_the_same_seal));
