// SPDX-License-Identifier: Apache-2.0
// Ten thousand bad callers: hostile COUNT SECONDS PATH PORT
//
// Opens COUNT connections, evenly over SECONDS, half to the Unix socket and half to the TLS port from many addresses of
// 127/8, of five kinds: says nothing; begins and stops; says its preface byte by byte; announces a frame of 16 MiB; a
// frame of 4 GiB. Holds what is not closed, and what is closed it forgets. Prints how many were opened, and how many of
// these the server had closed before the end.
#include <arpa/inet.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <time.h>
#include <unistd.h>

#include "stream.h"

enum { KINDS = 5, STEP_MS = 10 };

struct caller {
    int fd;
    unsigned said;
    unsigned char kind;
};

static const struct {
    const char *bytes;
    size_t length, at_once;
} kinds[KINDS] = {
    {"", 0, 0},
    {"\x89WGM\x01", 5, 5},
    {"\x89WGM\x01\x00\r\n\x00\x00\x00\x10\x00\x00\x00\x00\x01\x00\x00\x00slowslowslowslow", 36, 1},
    {"\x89WGM\x01\x00\r\n\x00\xff\xff\xff\x00\x00\x00\x00\x01\x00\x00\x00", 20, 20},
    {"\x89WGM\x01\x00\r\n\xff\xff\xff\xff\x00\x00\x00\x00\x01\x00\x00\x00", 20, 20},
};

static int open_unix(const char *path) {
    int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK, 0);
    struct sockaddr_un to = {.sun_family = AF_UNIX};
    snprintf(to.sun_path, sizeof to.sun_path, "%s", path);
    if (fd >= 0 && connect(fd, (struct sockaddr *)&to, sizeof to) == 0) return fd;
    if (fd >= 0) close(fd);
    return -1;
}

static int open_tcp(int port, unsigned number) {
    int fd = socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK, 0);
    struct sockaddr_in from = {.sin_family = AF_INET}, to = {.sin_family = AF_INET, .sin_port = htons((uint16_t)port)};
    from.sin_addr.s_addr = htonl(0x7f010000u + number % 1000);
    to.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    if (fd >= 0 && bind(fd, (struct sockaddr *)&from, sizeof from) == 0 &&
        (connect(fd, (struct sockaddr *)&to, sizeof to) == 0 || errno == EINPROGRESS))
        return fd;
    if (fd >= 0) close(fd);
    return -1;
}

/// False when the server has closed the connection.
static bool speak(struct caller *caller) {
    char ignored[4096];
    ssize_t count = recv(caller->fd, ignored, sizeof ignored, MSG_DONTWAIT);
    if (count == 0 || (count < 0 && errno != EAGAIN && errno != ENOTCONN)) return false;
    size_t left = kinds[caller->kind].length - caller->said, most = kinds[caller->kind].at_once;
    if (!left) return true;
    count = send(caller->fd, kinds[caller->kind].bytes + caller->said, left < most ? left : most, MSG_NOSIGNAL | MSG_DONTWAIT);
    if (count > 0) caller->said += (unsigned)count;
    return count > 0 || errno == EAGAIN || errno == ENOTCONN;
}

int main(int count, char **arguments) {
    if (count != 5) give_up("usage: hostile COUNT SECONDS PATH PORT");
    unsigned total = (unsigned)atoi(arguments[1]), opened = 0, closed = 0, failed = 0, held = 0;
    unsigned steps = (unsigned)(atof(arguments[2]) * 1000 / STEP_MS);
    struct rlimit files;
    getrlimit(RLIMIT_NOFILE, &files);
    files.rlim_cur = files.rlim_max;
    setrlimit(RLIMIT_NOFILE, &files);
    struct caller *callers = calloc(total, sizeof *callers);
    for (unsigned step = 1; step <= steps; step++) {
        for (; opened + failed < (unsigned long)total * step / steps;) {
            unsigned number = opened + failed;
            int fd = number % 2 ? open_tcp(atoi(arguments[4]), number) : open_unix(arguments[3]);
            if (fd < 0) {
                failed++;
                continue;
            }
            opened++;
            callers[held++] = (struct caller){.fd = fd, .kind = (unsigned char)(number / 2 % KINDS)};
        }
        for (unsigned index = 0; index < held;) {
            if (speak(&callers[index])) {
                index++;
                continue;
            }
            close(callers[index].fd);
            callers[index] = callers[--held];
            closed++;
        }
        struct timespec pause = {.tv_nsec = STEP_MS * 1000000};
        nanosleep(&pause, NULL);
    }
    printf("%u %u %u\n", opened, closed, failed);
    return 0;
}
