// SPDX-License-Identifier: Apache-2.0
// A connected socket, plain or in TLS 1.3, that never blocks; buffers; and the frames of docs/protocol.md.
#ifndef STREAM_H
#define STREAM_H
#include <openssl/ssl.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

struct stream {
    int fd;
    SSL *ssl;
};

struct buffer {
    uint8_t *bytes;
    size_t start, end, room;
};

enum { FRAME_HELLO = 1, FRAME_AUTH = 2, FRAME_AUTHED = 3, FRAME_CALL = 4, FRAME_END = 6, FRAME_GOAWAY = 10 };
enum { FLAG_END_STREAM = 1, FLAG_HAS_MESSAGE_CALL = 2, FLAG_HAS_MESSAGE_END = 2 };
enum { HEADER_SIZE = 12, PREFACE_SIZE = 8 };

struct frame {
    uint32_t length, stream;
    uint8_t type, flags;
    const uint8_t *payload;
};

extern const uint8_t preface[PREFACE_SIZE];

/// Ends the program with words.
_Noreturn void give_up(const char *words);

/// Room for so many more bytes at the end.
uint8_t *buffer_room(struct buffer *buffer, size_t count);

/// Puts a header in front of `length` bytes of payload that the caller writes to the returned place.
uint8_t *frame_begin(struct buffer *buffer, uint8_t type, uint8_t flags, uint32_t stream, uint16_t slot, size_t length);

/// Takes the next whole frame; its payload is valid until something is read.
bool frame_next(struct buffer *buffer, struct frame *frame);

/// Reads what is there, once; false when the other end has closed.
bool stream_read(struct stream *stream, struct buffer *buffer);

/// Writes what the socket takes; false when the other end has closed.
bool stream_write(struct stream *stream, struct buffer *buffer);

/// TLS 1.3 with ALPN wgm/1; the names of PEM files, NULL for none.
SSL_CTX *tls_context(bool is_server, const char *authority, const char *certificate, const char *key);

void set_nonblocking(int fd);
#endif
