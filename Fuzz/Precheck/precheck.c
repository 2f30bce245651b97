/* SPDX-License-Identifier: Apache-2.0 */
/*
 * libFuzzer's entry for the pre-check. Input: the name of a message, LF, bytes. Promises: what the check passes
 * protobuf-c unpacks into a block of exactly the size that the check has foretold; the check's own figures stay
 * within its limits.
 */
#include <stdlib.h>
#include <string.h>

#include "CWGMProto.h"

#define X(descriptor) &descriptor,
static const ProtobufCMessageDescriptor *const types[] = {
#include "descriptors.inc"
};
#undef X

int LLVMFuzzerTestOneInput(const uint8_t *input, size_t size);

static void require(int condition)
{
	if (!condition)
		abort();
}

static const ProtobufCMessageDescriptor *find(const uint8_t *name, size_t length)
{
	for (size_t i = 0; i < sizeof types / sizeof types[0]; i++)
		if (strlen(types[i]->name) == length && memcmp(types[i]->name, name, length) == 0)
			return types[i];
	return NULL;
}

static void try_message(const ProtobufCMessageDescriptor *type, const uint8_t *bytes, size_t size)
{
	struct wgm_check check = { 0 };
	size_t budget = 16 * size + 65536;
	if (!wgm_check_message(type, bytes, size, budget, &check)) {
		require(check.reason != WGM_CHECK_PASSED && check.offset <= size && check.steps <= WGM_CHECK_DEPTH);
		return;
	}
	require(check.reason == WGM_CHECK_PASSED && check.memory <= budget);
	/* Of its own size on the heap, so that the sanitizer sees the first byte too many. */
	uint8_t *copy = malloc(size + (size == 0));
	void *block = aligned_alloc(16, (check.memory + 15) & ~(size_t)15);
	require(copy != NULL && block != NULL);
	memcpy(copy, bytes, size);
	const ProtobufCMessage *message = wgm_unpack(type, copy, size, block, check.memory);
	require(message != NULL && protobuf_c_message_check(message));
	size_t packed = protobuf_c_message_get_packed_size(message);
	uint8_t *again = malloc(packed + 1);
	require(again != NULL && protobuf_c_message_pack(message, again) == packed);
	struct wgm_check second = { 0 };
	require(wgm_check_message(type, again, packed, budget + 16 * packed, &second));
	free(again);
	free(block);
	free(copy);
}

int LLVMFuzzerTestOneInput(const uint8_t *input, size_t size)
{
	const uint8_t *end = size == 0 ? NULL : memchr(input, '\n', size);
	const ProtobufCMessageDescriptor *type = end == NULL ? NULL : find(input, (size_t)(end - input));
	if (type != NULL)
		try_message(type, end + 1, size - (size_t)(end - input) - 1);
	return 0;
}
