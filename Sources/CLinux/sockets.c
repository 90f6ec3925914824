/* Calls that glibc declares only for _GNU_SOURCE, which a header cannot ask for. */
#define _GNU_SOURCE
#include "CLinux.h"

int wax_accept(int listener, struct sockaddr_storage *peer, socklen_t *count) {
    return accept4(listener, (struct sockaddr *)peer, count, SOCK_NONBLOCK | SOCK_CLOEXEC);
}

int wax_thread_name(pthread_t thread, const char *name) {
    return pthread_setname_np(thread, name);
}
