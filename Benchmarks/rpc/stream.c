// SPDX-License-Identifier: Apache-2.0
#include "stream.h"

#include <errno.h>
#include <fcntl.h>
#include <openssl/err.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

const uint8_t preface[PREFACE_SIZE] = {0x89, 'W', 'G', 'M', 1, 0, '\r', '\n'};
static const unsigned char protocols[] = "\x05wgm/1";

_Noreturn void give_up(const char *words) {
    fprintf(stderr, "%s\n", words);
    exit(1);
}

uint8_t *buffer_room(struct buffer *buffer, size_t count) {
    if (buffer->start == buffer->end) buffer->start = buffer->end = 0;
    if (buffer->room - buffer->end < count && buffer->start > 0) {
        memmove(buffer->bytes, buffer->bytes + buffer->start, buffer->end - buffer->start);
        buffer->end -= buffer->start;
        buffer->start = 0;
    }
    if (buffer->room - buffer->end < count) {
        buffer->room = 2 * (buffer->end + count);
        buffer->bytes = realloc(buffer->bytes, buffer->room);
        if (!buffer->bytes) give_up("no memory");
    }
    return buffer->bytes + buffer->end;
}

static void put32(uint8_t *place, uint32_t value) {
    value = __builtin_bswap32(value);
    memcpy(place, &value, 4);
}

static uint32_t get32(const uint8_t *place) {
    uint32_t value;
    memcpy(&value, place, 4);
    return __builtin_bswap32(value);
}

uint8_t *frame_begin(struct buffer *buffer, uint8_t type, uint8_t flags, uint32_t stream, uint16_t slot, size_t length) {
    uint8_t *place = buffer_room(buffer, HEADER_SIZE + length);
    put32(place, (uint32_t)length);
    put32(place + 4, stream);
    place[8] = type;
    place[9] = flags;
    place[10] = (uint8_t)(slot >> 8);
    place[11] = (uint8_t)slot;
    buffer->end += HEADER_SIZE + length;
    return place + HEADER_SIZE;
}

bool frame_next(struct buffer *buffer, struct frame *frame) {
    const uint8_t *place = buffer->bytes + buffer->start;
    size_t count = buffer->end - buffer->start;
    if (count < HEADER_SIZE) return false;
    frame->length = get32(place);
    if (frame->length > 2 << 20) give_up("a frame is too long");
    if (count < HEADER_SIZE + frame->length) return false;
    frame->stream = get32(place + 4);
    frame->type = place[8];
    frame->flags = place[9];
    frame->payload = place + HEADER_SIZE;
    buffer->start += HEADER_SIZE + frame->length;
    return true;
}

bool stream_read(struct stream *stream, struct buffer *buffer) {
    uint8_t *place = buffer_room(buffer, 65536);
    if (!stream->ssl) {
        ssize_t count = read(stream->fd, place, 65536);
        if (count > 0) buffer->end += (size_t)count;
        return count > 0 || (count < 0 && (errno == EAGAIN || errno == EINTR));
    }
    for (;;) {
        size_t count = 0;
        place = buffer_room(buffer, 65536);
        if (SSL_read_ex(stream->ssl, place, 65536, &count)) {
            buffer->end += count;
            continue;
        }
        int error = SSL_get_error(stream->ssl, 0);
        ERR_clear_error();
        return error == SSL_ERROR_WANT_READ || error == SSL_ERROR_WANT_WRITE;
    }
}

bool stream_write(struct stream *stream, struct buffer *buffer) {
    while (buffer->start < buffer->end) {
        const uint8_t *place = buffer->bytes + buffer->start;
        size_t left = buffer->end - buffer->start, count = 0;
        if (stream->ssl) {
            if (!SSL_write_ex(stream->ssl, place, left, &count)) {
                int error = SSL_get_error(stream->ssl, 0);
                ERR_clear_error();
                return error == SSL_ERROR_WANT_READ || error == SSL_ERROR_WANT_WRITE;
            }
        } else {
            ssize_t written = send(stream->fd, place, left, MSG_NOSIGNAL);
            if (written < 0) return errno == EAGAIN || errno == EINTR;
            count = (size_t)written;
        }
        buffer->start += count;
    }
    return true;
}

static int choose_protocol(SSL *ssl, const unsigned char **out, unsigned char *length, const unsigned char *offered,
                           unsigned int offered_length, void *unused) {
    (void)ssl, (void)unused;
    unsigned char *chosen;
    int result = SSL_select_next_proto(&chosen, length, protocols, sizeof protocols - 1, offered, offered_length);
    *out = chosen;
    return result == OPENSSL_NPN_NEGOTIATED ? SSL_TLSEXT_ERR_OK : SSL_TLSEXT_ERR_ALERT_FATAL;
}

SSL_CTX *tls_context(bool is_server, const char *authority, const char *certificate, const char *key) {
    SSL_CTX *context = SSL_CTX_new(is_server ? TLS_server_method() : TLS_client_method());
    if (!context) give_up("TLS cannot be used");
    SSL_CTX_set_min_proto_version(context, TLS1_3_VERSION);
    SSL_CTX_set_mode(context, SSL_MODE_ENABLE_PARTIAL_WRITE | SSL_MODE_ACCEPT_MOVING_WRITE_BUFFER);
    if (authority) {
        if (SSL_CTX_load_verify_locations(context, authority, NULL) != 1) give_up("the authority cannot be read");
        SSL_CTX_set_verify(context, SSL_VERIFY_PEER, NULL);
    }
    if (certificate && (SSL_CTX_use_certificate_chain_file(context, certificate) != 1 ||
                        SSL_CTX_use_PrivateKey_file(context, key, SSL_FILETYPE_PEM) != 1))
        give_up("the certificate cannot be read");
    if (is_server)
        SSL_CTX_set_alpn_select_cb(context, choose_protocol, NULL);
    else
        SSL_CTX_set_alpn_protos(context, protocols, sizeof protocols - 1);
    return context;
}

void set_nonblocking(int fd) { fcntl(fd, F_SETFL, fcntl(fd, F_GETFL) | O_NONBLOCK); }
