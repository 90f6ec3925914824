/* CLinux: what the Glibc module does not give Swift: epoll, eventfd, CPU intrinsics.
   Tiny wrappers only; no policy. */
#ifndef WAXWING_CLINUX_H
#define WAXWING_CLINUX_H

#include <stddef.h>
#include <stdint.h>

/* CRC-32C (Castagnoli), RFC 3720 appendix B.4. `crc` is the value of the bytes before, 0 at first. */
uint32_t wax_crc32c(uint32_t crc, const void *bytes, size_t count);
/* The table version, for machines without the instruction and for tests that compare the two. */
uint32_t wax_crc32c_software(uint32_t crc, const void *bytes, size_t count);
/* 1 when wax_crc32c uses the processor's instruction. */
int wax_crc32c_is_hardware(void);

#endif
