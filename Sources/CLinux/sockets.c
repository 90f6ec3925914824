/* Calls that need headers or feature macros that a Swift-visible header must not pull in. */
#define _GNU_SOURCE
#include "CLinux.h"
#include <malloc.h>

int wax_accept(int listener, struct sockaddr_storage *peer, socklen_t *count) {
    return accept4(listener, (struct sockaddr *)peer, count, SOCK_NONBLOCK | SOCK_CLOEXEC);
}

int wax_thread_name(pthread_t thread, const char *name) {
    return pthread_setname_np(thread, name);
}

void wax_allocator(int arenas, int map_bytes, int trim_bytes) {
    mallopt(M_ARENA_MAX, arenas);
    mallopt(M_MMAP_THRESHOLD, map_bytes);
    mallopt(M_TRIM_THRESHOLD, trim_bytes);
}
