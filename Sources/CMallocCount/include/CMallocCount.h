/* CMallocCount: counts heap allocations of the process that links it. For benchmarks only. */
#ifndef WAXWING_CMALLOCCOUNT_H
#define WAXWING_CMALLOCCOUNT_H
#include <stdint.h>

/* Calls of malloc, calloc and realloc since the start, from all libraries and threads. */
uint64_t wax_allocation_count(void);
#endif
