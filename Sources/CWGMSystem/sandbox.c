/* SPDX-License-Identifier: Apache-2.0 */
#define _GNU_SOURCE
#include "CWGMSystem.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/audit.h>
#include <linux/filter.h>
#include <linux/landlock.h>
#include <linux/sched.h>
#include <linux/seccomp.h>
#include <stddef.h>
#include <stdlib.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#if defined(__x86_64__)
#define NATIVE_ARCH AUDIT_ARCH_X86_64
#elif defined(__aarch64__)
#define NATIVE_ARCH AUDIT_ARCH_AARCH64
#else
#error "the system call filter knows x86-64 and AArch64"
#endif

/* What neither half needs once it has started, on any machine: a deny-list, because an allow-list would have to name what
 * every future version of libpq, the Swift runtime and a Go program might call. */
static const int never[] = {
    SYS_acct, SYS_add_key, SYS_bpf, SYS_chroot, SYS_clock_adjtime, SYS_clock_settime, SYS_delete_module,
    SYS_fanotify_init, SYS_finit_module, SYS_fsconfig, SYS_fsmount, SYS_fsopen, SYS_fspick, SYS_init_module,
    SYS_io_uring_enter, SYS_io_uring_register, SYS_io_uring_setup, SYS_kcmp, SYS_kexec_file_load, SYS_kexec_load,
    SYS_keyctl, SYS_mknodat, SYS_mount, SYS_mount_setattr, SYS_move_mount, SYS_name_to_handle_at, SYS_open_by_handle_at,
    SYS_open_tree, SYS_perf_event_open, SYS_personality, SYS_pidfd_getfd, SYS_pivot_root, SYS_process_madvise,
    SYS_process_vm_readv, SYS_process_vm_writev, SYS_ptrace, SYS_quotactl, SYS_reboot, SYS_request_key,
    SYS_setdomainname, SYS_setgid, SYS_setgroups, SYS_sethostname, SYS_setns, SYS_setregid, SYS_setresgid,
    SYS_setresuid, SYS_setreuid, SYS_settimeofday, SYS_setuid, SYS_swapoff, SYS_swapon, SYS_syslog, SYS_umount2,
    SYS_unshare, SYS_userfaultfd, SYS_vhangup,
#if defined(__x86_64__)
    SYS_ioperm, SYS_iopl, SYS_mknod, SYS_modify_ldt,
#endif
};
static const int starting_programs[] = {
    SYS_execve, SYS_execveat,
#if defined(__x86_64__)
    SYS_fork, SYS_vfork,
#endif
};

struct program {
    struct sock_filter code[512];
    unsigned short length;
};

static void emit(struct program *program, struct sock_filter instruction) {
    if (program->length < sizeof program->code / sizeof program->code[0]) program->code[program->length++] = instruction;
}
static void load(struct program *program, size_t offset) {
    emit(program, (struct sock_filter)BPF_STMT(BPF_LD | BPF_W | BPF_ABS, (unsigned)offset));
}
static void answer(struct program *program, unsigned value) {
    emit(program, (struct sock_filter)BPF_STMT(BPF_RET | BPF_K, value));
}
/* If the loaded word is `value` the call gets `result`. */
static void when(struct program *program, unsigned value, unsigned result) {
    emit(program, (struct sock_filter)BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, value, 0, 1));
    answer(program, result);
}

static const unsigned refused = SECCOMP_RET_ERRNO | EPERM;

/* Threads may be made, processes not; the flags of clone3 lie in memory, where no filter can look: libraries fall back. */
static void forbid_processes(struct program *program) {
    emit(program, (struct sock_filter)BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, SYS_clone, 0, 4));
    load(program, offsetof(struct seccomp_data, args[0]));
    emit(program, (struct sock_filter)BPF_JUMP(BPF_JMP | BPF_JSET | BPF_K, CLONE_THREAD, 1, 0));
    answer(program, refused);
    load(program, offsetof(struct seccomp_data, nr));
}

/* The last rule: every path through it ends. */
static void judge_socket(struct program *program, unsigned allowed) {
    emit(program, (struct sock_filter)BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, SYS_socket, 1, 0));
    answer(program, SECCOMP_RET_ALLOW);
    load(program, offsetof(struct seccomp_data, args[0]));
    when(program, AF_UNIX, SECCOMP_RET_ALLOW);
    when(program, AF_NETLINK, SECCOMP_RET_ALLOW);
    emit(program, (struct sock_filter)BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, AF_INET, 2, 0));
    emit(program, (struct sock_filter)BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, AF_INET6, 1, 0));
    answer(program, SECCOMP_RET_ERRNO | EAFNOSUPPORT);
    load(program, offsetof(struct seccomp_data, args[1]));
    emit(program, (struct sock_filter)BPF_STMT(BPF_ALU | BPF_AND | BPF_K, 0xf));
    if ((allowed & WGM_ALLOW_UDP) != 0) when(program, SOCK_DGRAM, SECCOMP_RET_ALLOW);
    if ((allowed & WGM_ALLOW_TCP) != 0) when(program, SOCK_STREAM, SECCOMP_RET_ALLOW);
    answer(program, refused);
}

int wgm_filter_system_calls(unsigned allowed) {
    struct program program = {.length = 0};
    load(&program, offsetof(struct seccomp_data, arch));
    emit(&program, (struct sock_filter)BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, NATIVE_ARCH, 1, 0));
    answer(&program, SECCOMP_RET_KILL_PROCESS);
    load(&program, offsetof(struct seccomp_data, nr));
#if defined(__x86_64__)
    emit(&program, (struct sock_filter)BPF_JUMP(BPF_JMP | BPF_JGE | BPF_K, 0x40000000, 0, 1));
    answer(&program, refused); /* the x32 numbers of the same calls */
#endif
    for (size_t i = 0; i < sizeof never / sizeof never[0]; i++) when(&program, (unsigned)never[i], refused);
    when(&program, SYS_clone3, SECCOMP_RET_ERRNO | ENOSYS);
    if ((allowed & WGM_ALLOW_PROGRAMS) == 0) {
        for (size_t i = 0; i < sizeof starting_programs / sizeof starting_programs[0]; i++)
            when(&program, (unsigned)starting_programs[i], refused);
        forbid_processes(&program);
    }
    judge_socket(&program, allowed);
    struct sock_fprog filter = {.len = program.length, .filter = program.code};
    /* Not seccomp(2), which the filter of a systemd unit mostly refuses. */
    return prctl(PR_SET_SECCOMP, SECCOMP_MODE_FILTER, &filter, 0, 0);
}

static const uint64_t reading = LANDLOCK_ACCESS_FS_READ_FILE | LANDLOCK_ACCESS_FS_READ_DIR;
static const uint64_t writing =
    LANDLOCK_ACCESS_FS_WRITE_FILE | LANDLOCK_ACCESS_FS_REMOVE_DIR | LANDLOCK_ACCESS_FS_REMOVE_FILE |
    LANDLOCK_ACCESS_FS_MAKE_CHAR | LANDLOCK_ACCESS_FS_MAKE_DIR | LANDLOCK_ACCESS_FS_MAKE_REG |
    LANDLOCK_ACCESS_FS_MAKE_SOCK | LANDLOCK_ACCESS_FS_MAKE_FIFO | LANDLOCK_ACCESS_FS_MAKE_BLOCK |
    LANDLOCK_ACCESS_FS_MAKE_SYM;
static const uint64_t for_files =
    LANDLOCK_ACCESS_FS_READ_FILE | LANDLOCK_ACCESS_FS_WRITE_FILE | LANDLOCK_ACCESS_FS_EXECUTE;

int wgm_landlock_begin(void) {
    struct landlock_ruleset_attr attributes = {.handled_access_fs = reading | writing | LANDLOCK_ACCESS_FS_EXECUTE};
    int fd = (int)syscall(SYS_landlock_create_ruleset, &attributes, sizeof attributes.handled_access_fs, 0);
    if (fd >= 0) (void)fcntl(fd, F_SETFD, FD_CLOEXEC);
    return fd;
}

int wgm_landlock_allow(int ruleset, const char *path, unsigned rights) {
    struct landlock_path_beneath_attr rule = {.allowed_access = 0};
    if ((rights & WGM_MAY_READ) != 0) rule.allowed_access |= reading;
    if ((rights & WGM_MAY_WRITE) != 0) rule.allowed_access |= writing;
    if ((rights & WGM_MAY_EXECUTE) != 0) rule.allowed_access |= LANDLOCK_ACCESS_FS_EXECUTE | LANDLOCK_ACCESS_FS_READ_FILE;
    rule.parent_fd = open(path, O_PATH | O_CLOEXEC);
    if (rule.parent_fd < 0) return errno == ENOENT || errno == EACCES || errno == ENOTDIR ? 0 : -1;
    struct stat status;
    int result = fstat(rule.parent_fd, &status);
    if (result == 0 && !S_ISDIR(status.st_mode)) rule.allowed_access &= for_files;
    if (result == 0) result = (int)syscall(SYS_landlock_add_rule, ruleset, LANDLOCK_RULE_PATH_BENEATH, &rule, 0);
    int failure = errno;
    close(rule.parent_fd);
    errno = failure;
    return result;
}

int wgm_landlock_enforce(int ruleset) {
    int result = (int)syscall(SYS_landlock_restrict_self, ruleset, 0);
    int failure = errno;
    close(ruleset);
    errno = failure;
    return result;
}
