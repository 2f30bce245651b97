// SPDX-License-Identifier: Apache-2.0
// The floor: a server with one thread, epoll and protobuf-c that speaks our frames and does nothing else.
//
//   floor unix PATH
//   floor tls PORT CERTIFICATE KEY AUTHORITY
//
// Every token is accepted unread. A call is unpacked, its request is unpacked, and one made-up peer is packed as the reply;
// one write for all replies to what one read brought. No permission, no record, no state.
#include <arpa/inet.h>
#include <errno.h>
#include <netinet/tcp.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include "stream.h"
#include "wgm/v1/peers.pb-c.h"
#include "wgm/v1/wire.pb-c.h"

struct connection {
    struct stream stream;
    struct buffer in, out;
    bool is_greeted, waits_to_write;
};

static int poller, listener;
static SSL_CTX *context;

static int listen_unix(const char *path) {
    int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK, 0);
    struct sockaddr_un address = {.sun_family = AF_UNIX};
    snprintf(address.sun_path, sizeof address.sun_path, "%s", path);
    unlink(path);
    if (bind(fd, (struct sockaddr *)&address, sizeof address) || listen(fd, 256)) give_up("floor: cannot listen");
    return fd;
}

static int listen_tcp(int port) {
    int fd = socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK, 0);
    struct sockaddr_in address = {.sin_family = AF_INET, .sin_port = htons((uint16_t)port)};
    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    if (bind(fd, (struct sockaddr *)&address, sizeof address) || listen(fd, 256)) give_up("floor: cannot listen");
    return fd;
}

static void watch(struct connection *connection, int operation, uint32_t events) {
    struct epoll_event event = {.events = events, .data.ptr = connection};
    epoll_ctl(poller, operation, connection->stream.fd, &event);
}

static void accept_all(void) {
    int fd;
    while ((fd = accept4(listener, NULL, NULL, SOCK_NONBLOCK)) >= 0) {
        struct connection *connection = calloc(1, sizeof *connection);
        connection->stream.fd = fd;
        if (context) {
            int on = 1;
            setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
            connection->stream.ssl = SSL_new(context);
            SSL_set_fd(connection->stream.ssl, fd);
            SSL_set_accept_state(connection->stream.ssl);
        }
        watch(connection, EPOLL_CTL_ADD, EPOLLIN);
    }
}

static void end_connection(struct connection *connection) {
    close(connection->stream.fd);
    SSL_free(connection->stream.ssl);
    free(connection->in.bytes);
    free(connection->out.bytes);
    free(connection);
}

#define PUT(out, type, flags, stream, name, message) \
    name##__pack(&message, frame_begin(out, type, flags, stream, 0, name##__get_packed_size(&message)))

static void answer_hello(struct buffer *out) {
    Wgm__V1__Hello hello = WGM__V1__HELLO__INIT;
    hello.agent = "floor";
    hello.has_max_message = 1, hello.max_message = 1 << 20;
    hello.has_max_streams = 1, hello.max_streams = 64;
    PUT(out, FRAME_HELLO, 0, 0, wgm__v1__hello, hello);
}

static void answer_auth(struct buffer *out, const struct frame *frame) {
    Wgm__V1__Authenticate *auth = wgm__v1__authenticate__unpack(NULL, frame->length, frame->payload);
    if (!auth) give_up("floor: AUTH cannot be read");
    Wgm__V1__Authed authed = WGM__V1__AUTHED__INIT;
    authed.has_slot = 1, authed.slot = auth->slot;
    authed.has_code = 1, authed.code = 0;
    PUT(out, FRAME_AUTHED, 0, 0, wgm__v1__authed, authed);
    wgm__v1__authenticate__free_unpacked(auth, NULL);
}

static void answer_call(struct buffer *out, const struct frame *frame) {
    Wgm__V1__Call *call = wgm__v1__call__unpack(NULL, frame->length, frame->payload);
    if (!call) give_up("floor: CALL cannot be read");
    Wgm__V1__GetPeerRequest *request = wgm__v1__get_peer_request__unpack(NULL, call->message.len, call->message.data);
    if (!request) give_up("floor: the request cannot be read");

    char *addresses[] = {"10.81.0.2", "fd81:1234:5678:1::2"};
    char *prefixes[] = {"10.81.0.2/32", "fd81:1234:5678:1::2/128"};
    Wgm__V1__PeerStatus status = WGM__V1__PEER_STATUS__INIT;
    status.has_present = 1, status.present = 1;
    status.has_received_bytes = 1, status.has_sent_bytes = 1;
    status.has_observed_unix_ms = 1, status.observed_unix_ms = 1767225600000;
    Wgm__V1__Peer peer = WGM__V1__PEER__INIT;
    peer.interface = request->interface;
    peer.name = request->name;
    peer.public_key = "xTIBA5rboUvnH4htodjb6e697QjLERt1NAB4mZqp8Dg=";
    peer.has_enabled = 1, peer.enabled = 1;
    peer.n_addresses = 2, peer.addresses = addresses;
    peer.n_allowed_addresses = 2, peer.allowed_addresses = prefixes;
    peer.has_revision = 1, peer.revision = 12;
    peer.has_created_unix_ms = 1, peer.created_unix_ms = 1767225600000;
    peer.status = &status;
    Wgm__V1__Freshness freshness = WGM__V1__FRESHNESS__INIT;
    freshness.has_as_of_unix_ms = 1, freshness.as_of_unix_ms = 1767225600000;
    freshness.has_stale = 1;
    Wgm__V1__GetPeerResponse reply = WGM__V1__GET_PEER_RESPONSE__INIT;
    reply.peer = &peer;
    reply.freshness = &freshness;

    uint8_t packed[1024];
    Wgm__V1__End end = WGM__V1__END__INIT;
    end.has_code = 1;
    end.has_reply = 1, end.reply.data = packed;
    if (wgm__v1__get_peer_response__get_packed_size(&reply) > sizeof packed) give_up("floor: the reply is too long");
    end.reply.len = wgm__v1__get_peer_response__pack(&reply, packed);
    PUT(out, FRAME_END, FLAG_HAS_MESSAGE_END, frame->stream, wgm__v1__end, end);
    wgm__v1__get_peer_request__free_unpacked(request, NULL);
    wgm__v1__call__free_unpacked(call, NULL);
}

static bool read_all(struct connection *connection) {
    if (!stream_read(&connection->stream, &connection->in)) return false;
    if (!connection->is_greeted) {
        struct buffer *in = &connection->in;
        if (in->end - in->start < PREFACE_SIZE) return true;
        if (memcmp(in->bytes + in->start, preface, PREFACE_SIZE)) return false;
        in->start += PREFACE_SIZE;
        memcpy(buffer_room(&connection->out, PREFACE_SIZE), preface, PREFACE_SIZE);
        connection->out.end += PREFACE_SIZE;
        connection->is_greeted = true;
    }
    struct frame frame;
    while (frame_next(&connection->in, &frame)) {
        switch (frame.type) {
        case FRAME_HELLO: answer_hello(&connection->out); break;
        case FRAME_AUTH: answer_auth(&connection->out, &frame); break;
        case FRAME_CALL: answer_call(&connection->out, &frame); break;
        default: return false;
        }
    }
    return true;
}

static void serve(struct connection *connection, uint32_t events) {
    bool is_open = events & ~(uint32_t)EPOLLOUT ? read_all(connection) : true;
    if (!is_open || !stream_write(&connection->stream, &connection->out)) return end_connection(connection);
    bool waits = connection->out.start < connection->out.end;
    if (waits != connection->waits_to_write) watch(connection, EPOLL_CTL_MOD, waits ? EPOLLIN | EPOLLOUT : EPOLLIN);
    connection->waits_to_write = waits;
}

int main(int count, char **arguments) {
    signal(SIGPIPE, SIG_IGN);
    if (count == 3 && !strcmp(arguments[1], "unix")) {
        listener = listen_unix(arguments[2]);
    } else if (count == 6 && !strcmp(arguments[1], "tls")) {
        context = tls_context(true, arguments[5], arguments[3], arguments[4]);
        listener = listen_tcp(atoi(arguments[2]));
    } else {
        give_up("usage: floor unix PATH | floor tls PORT CERTIFICATE KEY AUTHORITY");
    }
    poller = epoll_create1(0);
    struct epoll_event event = {.events = EPOLLIN};
    epoll_ctl(poller, EPOLL_CTL_ADD, listener, &event);
    struct epoll_event events[64];
    for (;;) {
        int ready = epoll_wait(poller, events, 64, -1);
        for (int index = 0; index < ready; index++) {
            if (events[index].data.ptr)
                serve(events[index].data.ptr, events[index].events);
            else
                accept_all();
        }
    }
}
