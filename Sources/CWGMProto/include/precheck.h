/* SPDX-License-Identifier: Apache-2.0 */
#ifndef WGM_PRECHECK_H
#define WGM_PRECHECK_H

#include <protobuf-c/protobuf-c.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* Limits of one message, beside the caller's memory budget. */
#define WGM_CHECK_DEPTH 16
#define WGM_CHECK_FIELDS 1048576
#define WGM_CHECK_UNKNOWN_FIELDS 256

enum wgm_check_reason {
	WGM_CHECK_PASSED = 0,
	WGM_CHECK_TRUNCATED,
	WGM_CHECK_VARINT,
	WGM_CHECK_TAG,
	WGM_CHECK_WIRE_TYPE,
	WGM_CHECK_RANGE,
	WGM_CHECK_DUPLICATE,
	WGM_CHECK_NUL,
	WGM_CHECK_UTF8,
	WGM_CHECK_TOO_DEEP,
	WGM_CHECK_TOO_MANY_FIELDS,
	WGM_CHECK_TOO_MANY_UNKNOWN,
	WGM_CHECK_MEMORY,
	WGM_CHECK_SCHEMA,
};

/* One step of the way to the field that is wrong: "peers[3]"; index is -1 for a field that is not repeated. */
struct wgm_check_step {
	const char *_Nullable field;
	ptrdiff_t index;
};

/* What the check found. */
struct wgm_check {
	enum wgm_check_reason reason;
	/* Where in the bytes the trouble is. */
	size_t offset;
	/* Bytes that protobuf-c will ask its allocator for; exact or slightly too much when the message has passed. */
	size_t memory;
	unsigned fields;
	unsigned unknown_fields;
	/* Valid when the message has not passed. */
	unsigned steps;
	struct wgm_check_step path[WGM_CHECK_DEPTH];
};

/*
 * Walks over the bytes of a message before protobuf-c sees them, and refuses what protobuf-c 1.4 would accept or survive
 * only at great expense. Allocates nothing; time is linear in `size`. `check` must be zeroed by the caller.
 */
bool wgm_check_message(const ProtobufCMessageDescriptor *_Nonnull type, const uint8_t *_Nullable bytes, size_t size,
	size_t budget, struct wgm_check *_Nonnull check);

/*
 * Unpacks a message that has passed the check into `block`, which must be aligned to 8 bytes. NULL when it does not fit
 * or is malformed. There is nothing to free but the block.
 */
const ProtobufCMessage *_Nullable wgm_unpack(const ProtobufCMessageDescriptor *_Nonnull type,
	const uint8_t *_Nullable bytes, size_t size, void *_Nullable block, size_t block_size);

#endif
