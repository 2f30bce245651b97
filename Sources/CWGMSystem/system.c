/* SPDX-License-Identifier: Apache-2.0 */
#define _GNU_SOURCE
#include "CWGMSystem.h"

#include <errno.h>
#include <grp.h>
#include <linux/capability.h>
#include <malloc.h>
#include <pwd.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <sys/time.h>
#include <sys/timex.h>
#include <sys/un.h>
#include <unistd.h>

int wgm_peer_credentials(int fd, uint32_t *uid, uint32_t *gid, int32_t *pid) {
    struct ucred peer;
    socklen_t length = sizeof peer;
    if (getsockopt(fd, SOL_SOCKET, SO_PEERCRED, &peer, &length) != 0) return -1;
    if (length != sizeof peer) return errno = EINVAL, -1;
    *uid = peer.uid;
    *gid = peer.gid;
    *pid = peer.pid;
    return 0;
}

int wgm_keep_heap_small(void) {
    const int kept = 128 * 1024;
    if (mallopt(M_ARENA_MAX, 1) && mallopt(M_TRIM_THRESHOLD, kept) && mallopt(M_MMAP_THRESHOLD, kept)) return 0;
    return errno = EINVAL, -1;
}

void wgm_return_free_memory(void) { (void)malloc_trim(0); }

int wgm_find_user(const char *name, uint32_t *uid, uint32_t *gid) {
    struct passwd entry, *found = NULL;
    char text[16384];
    int failure = getpwnam_r(name, &entry, text, sizeof text, &found);
    if (failure != 0 || found == NULL) return errno = failure != 0 ? failure : ENOENT, -1;
    *uid = entry.pw_uid;
    *gid = entry.pw_gid;
    return 0;
}

int wgm_harden(void) {
    struct rlimit none = {0, 0};
    if (prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) != 0) return -1;
    if (prctl(PR_SET_DUMPABLE, 0, 0, 0, 0) != 0) return -1;
    return setrlimit(RLIMIT_CORE, &none);
}

static int set_capabilities(uint64_t set) {
    struct __user_cap_header_struct header = {_LINUX_CAPABILITY_VERSION_3, 0};
    struct __user_cap_data_struct data[2], readback[2];
    for (int i = 0; i < 2; i++) {
        uint32_t half = (uint32_t)(set >> (32 * i));
        data[i] = (struct __user_cap_data_struct){.effective = half, .permitted = half, .inheritable = half};
    }
    if (syscall(SYS_capset, &header, data) != 0) return -1;
    if (syscall(SYS_capget, &header, readback) != 0) return -1;
    return memcmp(data, readback, sizeof data) == 0 ? 0 : (errno = EPERM, -1);
}

int wgm_drop_privileges(uint32_t uid, uint32_t gid, bool keep_net_admin) {
    const uint64_t kept = keep_net_admin ? UINT64_C(1) << CAP_NET_ADMIN : 0;
    if (uid == 0 || gid == 0) return errno = EINVAL, -1;
    for (unsigned long i = 0; i < 64; i++) {
        if ((kept >> i & 1) != 0) continue;
        if (prctl(PR_CAPBSET_DROP, i, 0, 0, 0) == 0) continue;
        if (errno == EINVAL) break; /* behind the last capability that this kernel has */
        return -1;
    }
    if (prctl(PR_SET_KEEPCAPS, keep_net_admin, 0, 0, 0) != 0) return -1;
    if (setgroups(0, NULL) != 0 || setresgid(gid, gid, gid) != 0 || setresuid(uid, uid, uid) != 0) return -1;
    if (prctl(PR_SET_KEEPCAPS, 0, 0, 0, 0) != 0) return -1;
    if (prctl(PR_CAP_AMBIENT, PR_CAP_AMBIENT_CLEAR_ALL, 0, 0, 0) != 0 || set_capabilities(kept) != 0) return -1;
    if (keep_net_admin && prctl(PR_CAP_AMBIENT, PR_CAP_AMBIENT_RAISE, CAP_NET_ADMIN, 0, 0) != 0) return -1;
    uid_t real, effective, saved;
    if (getresuid(&real, &effective, &saved) != 0) return -1;
    if (real != uid || effective != uid || saved != uid || setuid(0) == 0) return errno = EPERM, -1;
    return wgm_harden();
}

int wgm_packet_socket_pair(int *first, int *second) {
    int ends[2];
    if (socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, ends) != 0) return -1;
    *first = ends[0];
    *second = ends[1];
    return 0;
}

/* The length of the address, or 0 with errno set; a path that starts with @ is an abstract name. */
static socklen_t unix_address(const char *path, struct sockaddr_un *address) {
    size_t length = strlen(path);
    *address = (struct sockaddr_un){.sun_family = AF_UNIX};
    if (length == 0 || length >= sizeof address->sun_path) return errno = length == 0 ? EINVAL : ENAMETOOLONG, 0;
    memcpy(address->sun_path, path, length);
    if (path[0] == '@') address->sun_path[0] = 0;
    return (socklen_t)(offsetof(struct sockaddr_un, sun_path) + length + (path[0] == '@' ? 0 : 1));
}

int wgm_connect_packet(const char *path, int seconds) {
    struct sockaddr_un address;
    socklen_t length = unix_address(path, &address);
    if (length == 0) return -1;
    int fd = socket(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0);
    if (fd < 0) return -1;
    if (wgm_set_timeouts(fd, seconds) == 0 && connect(fd, (struct sockaddr *)&address, length) == 0) return fd;
    int failure = errno;
    close(fd);
    return errno = failure, -1;
}

int wgm_accept(int fd) { return accept4(fd, NULL, NULL, SOCK_CLOEXEC); }

static ssize_t receive_packet(int fd, void *buffer, size_t capacity, int flags) {
    struct iovec part = {.iov_base = buffer, .iov_len = capacity};
    struct msghdr message = {.msg_iov = &part, .msg_iovlen = 1};
    ssize_t count;
    do count = recvmsg(fd, &message, MSG_CMSG_CLOEXEC | flags);
    while (count < 0 && errno == EINTR);
    if (count >= 0 && (message.msg_flags & MSG_TRUNC) != 0) return errno = EMSGSIZE, -1;
    return count;
}

ssize_t wgm_receive_packet(int fd, void *buffer, size_t capacity) { return receive_packet(fd, buffer, capacity, 0); }

ssize_t wgm_receive_packet_now(int fd, void *buffer, size_t capacity) {
    return receive_packet(fd, buffer, capacity, MSG_DONTWAIT);
}

ssize_t wgm_send_packet(int fd, const void *buffer, size_t length) {
    ssize_t count;
    do count = send(fd, buffer, length, MSG_NOSIGNAL | MSG_EOR);
    while (count < 0 && errno == EINTR);
    return count;
}

int wgm_set_timeouts(int fd, int seconds) {
    struct timeval limit = {.tv_sec = seconds};
    if (setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &limit, sizeof limit) != 0) return -1;
    return setsockopt(fd, SOL_SOCKET, SO_SNDTIMEO, &limit, sizeof limit);
}

int wgm_is_packet_socket(int fd, bool *listening) {
    int domain = 0, type = 0, accepts = 0;
    socklen_t a = sizeof domain, b = sizeof type, c = sizeof accepts;
    if (getsockopt(fd, SOL_SOCKET, SO_DOMAIN, &domain, &a) != 0) return -1;
    if (getsockopt(fd, SOL_SOCKET, SO_TYPE, &type, &b) != 0) return -1;
    if (getsockopt(fd, SOL_SOCKET, SO_ACCEPTCONN, &accepts, &c) != 0) return -1;
    *listening = accepts != 0;
    return domain == AF_UNIX && type == SOCK_SEQPACKET;
}

int wgm_is_network_socket(int fd) {
    int domain = 0, type = 0;
    socklen_t a = sizeof domain, b = sizeof type;
    if (getsockopt(fd, SOL_SOCKET, SO_DOMAIN, &domain, &a) != 0) return -1;
    if (getsockopt(fd, SOL_SOCKET, SO_TYPE, &type, &b) != 0) return -1;
    return (domain == AF_INET || domain == AF_INET6) && type == SOCK_STREAM;
}

/* `entry` is NAME=VALUE. */
static bool is_kept(const char *entry, const char *names) {
    size_t length = strcspn(entry, "=");
    for (const char *name = names; *name != 0; name += strspn(name, " ")) {
        size_t wanted = strcspn(name, " ");
        bool begins = wanted > 0 && name[wanted - 1] == '*';
        size_t same = begins ? wanted - 1 : wanted;
        if ((begins ? length >= same : length == same) && strncmp(entry, name, same) == 0) return true;
        name += wanted;
    }
    return false;
}

void wgm_keep_environment(const char *names) {
    if (environ == NULL) return;
    char **end = environ;
    for (char **entry = environ; *entry != NULL; entry++) {
        if (is_kept(*entry, names)) *end++ = *entry;
        else explicit_bzero(*entry, strlen(*entry));
    }
    *end = NULL;
}

int wgm_clock_is_synchronised(void) {
    struct timex clock = {.modes = 0};
    int state = adjtimex(&clock);
    if (state < 0) return -1;
    return state != TIME_ERROR && (clock.status & STA_UNSYNC) == 0;
}

int wgm_notify(const char *path, const char *state) {
    if (path[0] == 0) return 0;
    struct sockaddr_un address;
    socklen_t size = unix_address(path, &address);
    if (size == 0) return -1;
    int fd = socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0);
    if (fd < 0) return -1;
    ssize_t sent = sendto(fd, state, strlen(state), MSG_NOSIGNAL, (struct sockaddr *)&address, size);
    int failure = errno;
    close(fd);
    errno = failure;
    return sent < 0 ? -1 : 0;
}
