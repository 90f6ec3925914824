/* CLinux: what the Glibc module does not give Swift: epoll, eventfd, CPU intrinsics.
   Tiny wrappers only; no policy. */
#ifndef WAXWING_CLINUX_H
#define WAXWING_CLINUX_H

#include <errno.h>
#include <pthread.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/epoll.h>
#include <sys/eventfd.h>
#include <sys/socket.h>
#include <sys/uio.h>

/* CRC-32C (Castagnoli), RFC 3720 appendix B.4. `crc` is the value of the bytes before, 0 at
   first. */
uint32_t wax_crc32c(uint32_t crc, const void *bytes, size_t count);
/* The table version, for machines without the instruction and for tests that compare the two. */
uint32_t wax_crc32c_software(uint32_t crc, const void *bytes, size_t count);
/* 1 when wax_crc32c uses the processor's instruction. */
int wax_crc32c_is_hardware(void);

/* Base64url without padding (RFC 4648 section 5). Writes (count * 8 + 5) / 6 letters. */
void wax_base64url_encode(const void *bytes, size_t count, void *text);
/* Writes count * 6 / 8 bytes; 0 when the text is not the one that the encoder would write. */
int wax_base64url_decode(const void *text, size_t count, void *bytes);

/* <sys/epoll.h> declares these as an enum, which Swift imports as a type of its own. */
static const uint32_t WAX_EPOLLIN = EPOLLIN;
static const uint32_t WAX_EPOLLOUT = EPOLLOUT;
static const uint32_t WAX_EPOLLRDHUP = EPOLLRDHUP;
static const uint32_t WAX_EPOLLHUP = EPOLLHUP;
static const uint32_t WAX_EPOLLERR = EPOLLERR;
static const uint32_t WAX_EPOLLET = EPOLLET;

/* Non-blocking and close-on-exec from birth; likewise an enum in <sys/socket.h>. */
static inline int wax_stream_socket(int family) {
    return socket(family, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, IPPROTO_TCP);
}

/* Sets how the C library's allocator keeps memory; see Loop/ProcessMemory.swift. */
void wax_allocator(int arenas, int map_bytes, int trim_bytes);
/* At most 15 characters count. */
int wax_thread_name(pthread_t thread, const char *name);
int wax_accept(int listener, struct sockaddr_storage *peer, socklen_t *count);

static inline int wax_eventfd(void) { return eventfd(0, EFD_NONBLOCK | EFD_CLOEXEC); }

static inline int wax_epoll_set(int epoll, int operation, int fd, uint32_t events, uint64_t data) {
    struct epoll_event event = {.events = events, .data.u64 = data};
    return epoll_ctl(epoll, operation, fd, &event);
}

/* sendmsg, because writev has no way to say MSG_NOSIGNAL. */
static inline ssize_t wax_send(int fd, const struct iovec *pieces, size_t count) {
    struct msghdr message = {.msg_iov = (struct iovec *)pieces, .msg_iovlen = count};
    return sendmsg(fd, &message, MSG_NOSIGNAL);
}

#endif
