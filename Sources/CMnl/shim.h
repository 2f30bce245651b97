/* SPDX-License-Identifier: Apache-2.0 */
#include <libmnl/libmnl.h>
#include <linux/genetlink.h>
#include <linux/if_addr.h>
#include <linux/if_link.h>
#include <linux/rtnetlink.h>
#include <linux/wireguard.h>
#include <spawn.h>

/* spawn.h shows these with _GNU_SOURCE only, which Swift's Glibc module does without. */
#define WGM_SPAWN_SETSID 0x80
extern int posix_spawn_file_actions_addchdir_np(posix_spawn_file_actions_t *restrict actions, const char *restrict path);
extern int posix_spawn_file_actions_addclosefrom_np(posix_spawn_file_actions_t *actions, int from);

/* Whether Swift sees the enumeration of socket types depends on which module met its header first. */
static const int wgm_close_on_exec = SOCK_CLOEXEC;
static const int wgm_stream_socket = SOCK_STREAM | SOCK_CLOEXEC;
static const int wgm_datagram_socket = SOCK_DGRAM | SOCK_CLOEXEC;
