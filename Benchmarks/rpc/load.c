// SPDX-License-Identifier: Apache-2.0
// The caller: reads peers by name as fast as they come, and says what that cost the server.
//
//   load PID SECONDS CONNECTIONS IN-FLIGHT TOKEN-FILE PEERS unix PATH
//   load PID SECONDS CONNECTIONS IN-FLIGHT TOKEN-FILE PEERS tls PORT AUTHORITY CERTIFICATE KEY
//
// Each connection keeps so many calls in flight. The names go around: peer0000 of wg0 to peer(PEERS - 1). Prints: calls,
// nanoseconds of PID's processor time, median and 99th percentile of the calls' nanoseconds, nanoseconds of the whole,
// kilobytes that PID has resident at the end. A call that fails ends the run. With `all-differ` behind the number of peers, as
// in 1000all-differ, each call has a trace context of its own, so that no two calls are equal. With `dispatched`, each carries
// a pair of metadata too.
#include <arpa/inet.h>
#include <netinet/tcp.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <time.h>
#include <unistd.h>

#include "stream.h"
#include "wgm/v1/peers.pb-c.h"
#include "wgm/v1/wire.pb-c.h"

enum { RING = 4096, MOST_SAMPLES = 1 << 25, WARM_UP_MS = 150 };

struct connection {
    struct stream stream;
    struct buffer in, out;
    uint32_t next_stream;
    bool is_greeted, is_authed;
    uint64_t began[RING];
};

struct packed {
    size_t length;
    uint8_t *bytes;
    /// Eight hexadecimal digits of the trace context; NULL when there is none.
    uint8_t *digits;
};

static struct packed *calls;
static unsigned call_count, next_call;
static uint32_t *samples;
static size_t sample_count, finished;
static bool is_counting;

static uint64_t nanoseconds(clockid_t clock) {
    struct timespec time;
    if (clock_gettime(clock, &time)) give_up("load: no such process");
    return (uint64_t)time.tv_sec * 1000000000 + (uint64_t)time.tv_nsec;
}

static char *read_token(const char *path) {
    static char token[8192];
    FILE *file = fopen(path, "r");
    if (!file || !fgets(token, sizeof token, file)) give_up("load: the token cannot be read");
    fclose(file);
    token[strcspn(token, "\r\n")] = 0;
    return token;
}

static void prepare_calls(unsigned count, bool differ, bool has_metadata) {
    calls = calloc(count, sizeof *calls);
    call_count = count;
    for (unsigned index = 0; index < count; index++) {
        char name[16];
        uint8_t request[64];
        snprintf(name, sizeof name, "peer%04u", index);
        Wgm__V1__GetPeerRequest get = WGM__V1__GET_PEER_REQUEST__INIT;
        get.interface = "wg0", get.name = name;
        Wgm__V1__Call call = WGM__V1__CALL__INIT;
        call.method = "wgm.v1.Peers/Get";
        Wgm__V1__MetadataPair pair = WGM__V1__METADATA_PAIR__INIT, *pairs = &pair;
        pair.key = "x-load";
        if (has_metadata) call.n_metadata = 1, call.metadata = &pairs;
        if (differ) call.traceparent = "00-00000000000000000000000000000001-0000000000000001-01";
        call.has_message = 1, call.message.data = request;
        call.message.len = wgm__v1__get_peer_request__pack(&get, request);
        calls[index].length = wgm__v1__call__get_packed_size(&call);
        calls[index].bytes = malloc(calls[index].length);
        wgm__v1__call__pack(&call, calls[index].bytes);
        if (differ) calls[index].digits = (uint8_t *)memmem(calls[index].bytes, calls[index].length, "00-00", 5) + 3;
    }
}

static void greet(struct connection *connection, char *token) {
    struct buffer *out = &connection->out;
    memcpy(buffer_room(out, PREFACE_SIZE), preface, PREFACE_SIZE);
    out->end += PREFACE_SIZE;
    Wgm__V1__Hello hello = WGM__V1__HELLO__INIT;
    hello.agent = "load";
    wgm__v1__hello__pack(&hello, frame_begin(out, FRAME_HELLO, 0, 0, 0, wgm__v1__hello__get_packed_size(&hello)));
    Wgm__V1__Authenticate auth = WGM__V1__AUTHENTICATE__INIT;
    auth.has_slot = 1, auth.slot = 1, auth.token = token;
    size_t length = wgm__v1__authenticate__get_packed_size(&auth);
    wgm__v1__authenticate__pack(&auth, frame_begin(out, FRAME_AUTH, 0, 0, 0, length));
    if (!stream_write(&connection->stream, out)) give_up("load: the server closed the connection");
    connection->next_stream = 1;
}

static void connect_to(struct connection *connection, char **address, SSL_CTX *context) {
    bool is_tls = !strcmp(address[0], "tls");
    int fd = socket(is_tls ? AF_INET : AF_UNIX, SOCK_STREAM, 0), result, on = 1;
    if (is_tls) {
        struct sockaddr_in to = {.sin_family = AF_INET, .sin_port = htons((uint16_t)atoi(address[1]))};
        to.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
        result = connect(fd, (struct sockaddr *)&to, sizeof to);
        setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
    } else {
        struct sockaddr_un to = {.sun_family = AF_UNIX};
        snprintf(to.sun_path, sizeof to.sun_path, "%s", address[1]);
        result = connect(fd, (struct sockaddr *)&to, sizeof to);
    }
    if (result) give_up("load: cannot connect");
    connection->stream.fd = fd;
    if (is_tls) {
        connection->stream.ssl = SSL_new(context);
        SSL_set_fd(connection->stream.ssl, fd);
        if (SSL_connect(connection->stream.ssl) != 1) give_up("load: no TLS handshake");
    }
    set_nonblocking(fd);
}

static void send_calls(struct connection *connection, unsigned count, uint64_t now) {
    for (; count; count--) {
        struct packed *call = &calls[next_call];
        if (call->digits) {
            static uint32_t number;
            number++;
            for (int digit = 0; digit < 8; digit++) call->digits[digit] = (uint8_t)"0123456789abcdef"[number >> 4 * digit & 15];
        }
        next_call = next_call + 1 == call_count ? 0 : next_call + 1;
        uint32_t stream = connection->next_stream;
        connection->next_stream += 2;
        connection->began[stream / 2 % RING] = now;
        uint8_t flags = FLAG_END_STREAM | FLAG_HAS_MESSAGE_CALL;
        memcpy(frame_begin(&connection->out, FRAME_CALL, flags, stream, 1, call->length), call->bytes, call->length);
    }
    if (!stream_write(&connection->stream, &connection->out)) give_up("load: the server closed the connection");
    if (connection->out.start < connection->out.end) give_up("load: the server reads too slowly");
}

static void check(const struct frame *frame) {
    // code = 0 stands first in an END that went well.
    if (frame->length > 32 && frame->payload[0] == 8 && frame->payload[1] == 0) return;
    Wgm__V1__End *end = wgm__v1__end__unpack(NULL, frame->length, frame->payload);
    fprintf(stderr, "load: the call failed: %s\n", end && end->message ? end->message : "?");
    exit(1);
}

static void check_authed(const struct frame *frame) {
    Wgm__V1__Authed *authed = wgm__v1__authed__unpack(NULL, frame->length, frame->payload);
    if (authed && authed->code == 0) return wgm__v1__authed__free_unpacked(authed, NULL);
    fprintf(stderr, "load: the token was refused: %s\n", authed && authed->message ? authed->message : "?");
    exit(1);
}

/// The calls that ended; how many may be sent in their place.
static unsigned take(struct connection *connection, unsigned in_flight, uint64_t now) {
    struct frame frame;
    unsigned ended = 0;
    if (!connection->is_greeted) {
        if (connection->in.end - connection->in.start < PREFACE_SIZE) return 0;
        connection->in.start += PREFACE_SIZE;
        connection->is_greeted = true;
    }
    while (frame_next(&connection->in, &frame)) {
        switch (frame.type) {
        case FRAME_HELLO: break;
        case FRAME_AUTHED:
            check_authed(&frame);
            connection->is_authed = true;
            ended += in_flight;
            break;
        case FRAME_END:
            check(&frame);
            ended++;
            if (!is_counting) break;
            uint64_t span = now - connection->began[frame.stream / 2 % RING];
            if (sample_count < MOST_SAMPLES) samples[sample_count++] = span > UINT32_MAX ? UINT32_MAX : (uint32_t)span;
            finished++;
            break;
        default: fprintf(stderr, "load: the server sent frame %u\n", frame.type), exit(1);
        }
    }
    return ended;
}

static int by_size(const void *left, const void *right) {
    uint32_t a = *(const uint32_t *)left, b = *(const uint32_t *)right;
    return (a > b) - (a < b);
}

static long resident(const char *pid) {
    char path[64], line[256];
    long kilobytes = 0;
    snprintf(path, sizeof path, "/proc/%s/status", pid);
    FILE *file = fopen(path, "r");
    while (file && fgets(line, sizeof line, file)) sscanf(line, "VmRSS: %ld", &kilobytes);
    if (file) fclose(file);
    return kilobytes;
}

int main(int count, char **arguments) {
    if (count < 9) give_up("usage: load PID SECONDS CONNECTIONS IN-FLIGHT TOKEN-FILE PEERS unix PATH | tls PORT ...");
    // Linux: the clock of a process's processor time, all its threads together.
    clockid_t server = (clockid_t)(~(unsigned)atoi(arguments[1]) << 3 | 2);
    uint64_t span = (uint64_t)(atof(arguments[2]) * 1e9);
    unsigned connections = (unsigned)atoi(arguments[3]), in_flight = (unsigned)atoi(arguments[4]);
    char *token = read_token(arguments[5]);
    prepare_calls((unsigned)atoi(arguments[6]), strstr(arguments[6], "all-differ"), strstr(arguments[6], "dispatched"));
    SSL_CTX *context = count == 12 ? tls_context(false, arguments[9], arguments[10], arguments[11]) : NULL;
    samples = malloc(MOST_SAMPLES * sizeof *samples);
    struct connection *all = calloc(connections, sizeof *all);
    int poller = epoll_create1(0);
    for (unsigned index = 0; index < connections; index++) {
        connect_to(&all[index], arguments + 7, context);
        greet(&all[index], token);
        struct epoll_event event = {.events = EPOLLIN, .data.ptr = &all[index]};
        epoll_ctl(poller, EPOLL_CTL_ADD, all[index].stream.fd, &event);
    }
    uint64_t start = nanoseconds(CLOCK_MONOTONIC) + WARM_UP_MS * 1000000ull, cpu = 0, now = 0;
    struct epoll_event events[64];
    while (!is_counting || now < start + span) {
        int ready = epoll_wait(poller, events, 64, 10000);
        if (ready <= 0) give_up("load: the server does not answer");
        for (int index = 0; index < ready; index++) {
            struct connection *connection = events[index].data.ptr;
            if (!stream_read(&connection->stream, &connection->in)) give_up("load: the server closed the connection");
            now = nanoseconds(CLOCK_MONOTONIC);
            unsigned more = take(connection, in_flight, now);
            if (more) send_calls(connection, more, now);
        }
        if (!is_counting && now >= start) {
            start = now;
            cpu = nanoseconds(server);
            is_counting = true;
        }
    }
    cpu = nanoseconds(server) - cpu;
    for (unsigned index = 0; index < connections; index++)
        if (!all[index].is_authed) give_up("load: a connection was not served");
    qsort(samples, sample_count, sizeof *samples, by_size);
    printf("%zu %llu %u %u %llu %ld\n", finished, (unsigned long long)cpu, samples[sample_count / 2],
           samples[sample_count * 99 / 100], (unsigned long long)(now - start), resident(arguments[1]));
    return 0;
}
