/* SPDX-License-Identifier: Apache-2.0 */
/* System calls whose structures or constants Swift's Glibc module does not show: ucred, capset, prctl, msghdr.
 * All return -1 with errno set on failure. Descriptors made here close on exec. */
#ifndef CWGM_SYSTEM_H
#define CWGM_SYSTEM_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

/* Who opened the other end of a Unix socket, as the kernel noted it then. */
int wgm_peer_credentials(int fd, uint32_t *uid, uint32_t *gid, int32_t *pid);

/* The ids of a user of this system; ENOENT when there is none of that name. */
int wgm_find_user(const char *name, uint32_t *uid, uint32_t *gid);

/* No new privileges, no core dumps, no tracing by other processes of the same user. Call before any thread starts. */
int wgm_harden(void);

/* From root to uid and gid for good, without supplementary groups, and wgm_harden(). What stays of the capabilities is
 * none, or CAP_NET_ADMIN alone, in every set. Call before any thread starts. The result is read back and checked. */
int wgm_drop_privileges(uint32_t uid, uint32_t gid, bool keep_net_admin);

/* One heap for all threads, and free memory goes back to the kernel in pieces from 128 KiB on: for a program that
 * answers on one thread, and is to stay small. Call before any thread starts. */
int wgm_keep_heap_small(void);
/* Gives pages of the heap back that hold nothing any more; a large request leaves them between what stays. */
void wgm_return_free_memory(void);

/* Makes a connected pair of sockets that keep packet boundaries. */
int wgm_packet_socket_pair(int *first, int *second);
int wgm_accept(int fd);
/* Connects to a listening packet socket; fails with EAGAIN when that takes longer than the seconds. */
int wgm_connect_packet(const char *path, int seconds);
/* One packet whole or EMSGSIZE; 0 at the end. Descriptors that come along are closed by the kernel. */
ssize_t wgm_receive_packet(int fd, void *buffer, size_t capacity);
/* The same, or EAGAIN at once when there is no packet. */
ssize_t wgm_receive_packet_now(int fd, void *buffer, size_t capacity);
/* One packet; never raises SIGPIPE. */
ssize_t wgm_send_packet(int fd, const void *buffer, size_t length);
/* Bounds every later send and receive; these then fail with EAGAIN. */
int wgm_set_timeouts(int fd, int seconds);
/* 1 if fd is an AF_UNIX SOCK_SEQPACKET socket; *listening says of which kind. */
int wgm_is_packet_socket(int fd, bool *listening);
/* 1 if fd is a stream socket of the network (IPv4 or IPv6), 0 if it is any other socket. */
int wgm_is_network_socket(int fd);

/* Takes every variable out of the environment that `names` has not, and overwrites it: /proc does not show it either.
 * The names are apart by blanks; PRE* is every name that begins with PRE. Call before any thread starts. */
void wgm_keep_environment(const char *names);

/* 1 if something keeps the realtime clock right, 0 if not, -1 if the kernel does not say. */
int wgm_clock_is_synchronised(void);

/* Tells systemd a state such as "READY=1"; 0 without doing anything when path is empty. */
int wgm_notify(const char *path, const char *state);

/* What a filter of system calls leaves; besides it refuses what no daemon needs (EPERM), and every socket but Unix and
 * netlink ones. Holds for this thread, later ones and all children. Needs wgm_harden() first. */
enum { WGM_ALLOW_PROGRAMS = 1, WGM_ALLOW_UDP = 2, WGM_ALLOW_TCP = 4 };
int wgm_filter_system_calls(unsigned allowed);

/* Landlock: a set of rules, fails with ENOSYS or EOPNOTSUPP on kernels without it; each path that exists gets its rights;
 * then all other files are closed to this thread, later ones and all children. */
enum { WGM_MAY_READ = 1, WGM_MAY_WRITE = 2, WGM_MAY_EXECUTE = 4 };
int wgm_landlock_begin(void);
int wgm_landlock_allow(int ruleset, const char *path, unsigned rights);
/* Closes the rule set. */
int wgm_landlock_enforce(int ruleset);

#endif
