/* bench/survive_without.c: a library for LD_PRELOAD that takes syncs and the checksums of seals out of a run;
 * see survive.sh */
#include <stddef.h>
#include <stdint.h>
#include <unistd.h>

uint32_t libdeflate_crc32(uint32_t crc, const void *bytes, size_t n);

int fsync(int fd)
{
    (void)fd;
    return 0;
}

uint32_t libdeflate_crc32(uint32_t crc, const void *bytes, size_t n)
{
    (void)bytes, (void)n;
    return crc;
}
