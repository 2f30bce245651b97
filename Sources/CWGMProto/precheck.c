/* SPDX-License-Identifier: Apache-2.0 */
#include "precheck.h"

#include <string.h>

/*
 * What protobuf_c_message_unpack() of protobuf-c 1.4 asks its allocator for, besides the message itself: one
 * ScannedMember (tag, wire type, field, length, data) for each field beyond the first 16 of a message, in slabs that
 * double, and one ProtobufCMessageUnknownField for each field that it does not know.
 */
#define SCANNED_MEMBER 32
#define FIRST_SLAB 16
#define ALIGNMENT 8

/* The set of fields already seen is a 64-bit word; the generator refuses larger messages. */
#define FIELDS_PER_MESSAGE 64

enum { VARINT = 0, FIXED64 = 1, DELIMITED = 2, FIXED32 = 5 };

struct run {
	struct wgm_check *check;
	const uint8_t *start;
	size_t budget;
};

/* One message on the way down. */
struct level {
	const ProtobufCMessageDescriptor *type;
	const uint8_t *start;
	const uint8_t *end;
	uint64_t seen;
	size_t members;
	size_t slab_capacity;
	unsigned depth;
	/* Where to look for the next field first: fields mostly come in order. */
	unsigned guess;
};

static bool check_level(struct run *run, struct level *level);

static bool fail(struct run *run, enum wgm_check_reason reason, const uint8_t *at)
{
	run->check->reason = reason;
	run->check->offset = (size_t)(at - run->start);
	return false;
}

/* Counts memory that unpack will take, and stops the check as soon as that is more than the budget. */
static bool take(struct run *run, size_t size, const uint8_t *at)
{
	size_t rounded = (size + (ALIGNMENT - 1)) & ~(size_t)(ALIGNMENT - 1);
	run->check->memory += rounded;
	return run->check->memory <= run->budget || fail(run, WGM_CHECK_MEMORY, at);
}

/* Returns the byte after the varint, or NULL when it is longer than ten bytes, cut off, or more than 64 bits. */
static const uint8_t *read_varint(const uint8_t *at, const uint8_t *end, uint64_t *value)
{
	uint64_t result = 0;
	for (unsigned shift = 0; shift < 70 && at < end; shift += 7) {
		uint8_t byte = *at++;
		if (shift == 63 && byte > 1)
			return NULL;
		result |= (uint64_t)(byte & 0x7f) << shift;
		if (byte < 0x80) {
			*value = result;
			return at;
		}
	}
	return NULL;
}

static bool varint_failed(struct run *run, const uint8_t *at, const uint8_t *end)
{
	for (const uint8_t *p = at; p < end; p++)
		if (*p < 0x80 || p - at >= 9)
			return fail(run, WGM_CHECK_VARINT, at);
	return fail(run, WGM_CHECK_TRUNCATED, at);
}

/* protobuf-c reads tags and lengths of at most five bytes. */
static const uint8_t *read_short_varint(struct run *run, const uint8_t *at, const uint8_t *end, uint32_t *value)
{
	uint64_t wide = 0;
	const uint8_t *after = read_varint(at, end, &wide);
	if (after == NULL) {
		varint_failed(run, at, end);
		return NULL;
	}
	if (after - at > 5 || wide > UINT32_MAX) {
		fail(run, WGM_CHECK_VARINT, at);
		return NULL;
	}
	*value = (uint32_t)wide;
	return after;
}

static const uint8_t *read_length(struct run *run, const uint8_t *at, const uint8_t *end, uint32_t *length)
{
	const uint8_t *after = read_short_varint(run, at, end, length);
	if (after == NULL)
		return NULL;
	if (*length > (size_t)(end - after)) {
		fail(run, WGM_CHECK_TRUNCATED, at);
		return NULL;
	}
	return after;
}

/* A number that does not fit its field would be cut by protobuf-c, and mean something else than what was sent. */
static bool fits(ProtobufCType type, uint64_t value)
{
	switch (type) {
	case PROTOBUF_C_TYPE_UINT32:
	case PROTOBUF_C_TYPE_SINT32:
		return value <= UINT32_MAX;
	case PROTOBUF_C_TYPE_INT32:
	case PROTOBUF_C_TYPE_ENUM:
		return value <= INT32_MAX || value >= UINT64_MAX - INT32_MAX;
	case PROTOBUF_C_TYPE_BOOL:
		return value <= 1;
	default:
		return true;
	}
}

static unsigned wire_type_of(ProtobufCType type)
{
	switch (type) {
	case PROTOBUF_C_TYPE_SFIXED32:
	case PROTOBUF_C_TYPE_FIXED32:
	case PROTOBUF_C_TYPE_FLOAT:
		return FIXED32;
	case PROTOBUF_C_TYPE_SFIXED64:
	case PROTOBUF_C_TYPE_FIXED64:
	case PROTOBUF_C_TYPE_DOUBLE:
		return FIXED64;
	case PROTOBUF_C_TYPE_STRING:
	case PROTOBUF_C_TYPE_BYTES:
	case PROTOBUF_C_TYPE_MESSAGE:
		return DELIMITED;
	default:
		return VARINT;
	}
}

/* Size of one element in the array of a repeated field. */
static size_t element_size(ProtobufCType type)
{
	switch (type) {
	case PROTOBUF_C_TYPE_STRING:
	case PROTOBUF_C_TYPE_MESSAGE:
		return sizeof(void *);
	case PROTOBUF_C_TYPE_BYTES:
		return sizeof(ProtobufCBinaryData);
	case PROTOBUF_C_TYPE_BOOL:
		return sizeof(protobuf_c_boolean);
	case PROTOBUF_C_TYPE_INT64:
	case PROTOBUF_C_TYPE_SINT64:
	case PROTOBUF_C_TYPE_SFIXED64:
	case PROTOBUF_C_TYPE_UINT64:
	case PROTOBUF_C_TYPE_FIXED64:
	case PROTOBUF_C_TYPE_DOUBLE:
		return 8;
	default:
		return 4;
	}
}

/* Length of the UTF-8 sequence at `at`, or 0 when there is none (Unicode 15, table 3-7). */
static unsigned utf8_sequence(const uint8_t *at, const uint8_t *end)
{
	uint8_t first = at[0];
	uint8_t low = 0x80;
	uint8_t high = 0xbf;
	unsigned length;
	if (first < 0xc2 || first > 0xf4)
		return 0;
	length = first < 0xe0 ? 2 : first < 0xf0 ? 3 : 4;
	if (first == 0xe0)
		low = 0xa0;
	if (first == 0xed)
		high = 0x9f;
	if (first == 0xf0)
		low = 0x90;
	if (first == 0xf4)
		high = 0x8f;
	if ((size_t)(end - at) < length || at[1] < low || at[1] > high)
		return 0;
	for (unsigned i = 2; i < length; i++)
		if (at[i] < 0x80 || at[i] > 0xbf)
			return 0;
	return length;
}

/* A NUL would end the C string early: the name that is checked must be the name that was sent. */
static bool check_text(struct run *run, const uint8_t *at, const uint8_t *end)
{
	while (at < end) {
		unsigned length;
		if (*at == 0)
			return fail(run, WGM_CHECK_NUL, at);
		if (*at < 0x80) {
			at++;
			continue;
		}
		length = utf8_sequence(at, end);
		if (length == 0)
			return fail(run, WGM_CHECK_UTF8, at);
		at += length;
	}
	return true;
}

/* Elements of a repeated number in one piece. protobuf-c makes room for one bool per byte. */
static bool check_packed(struct run *run, const ProtobufCFieldDescriptor *field, const uint8_t *at, const uint8_t *end)
{
	unsigned wire_type = wire_type_of(field->type);
	size_t size = (size_t)(end - at);
	size_t count = 0;
	if (wire_type != VARINT) {
		size_t width = wire_type == FIXED64 ? 8 : 4;
		return size % width == 0 ? take(run, size, at) : fail(run, WGM_CHECK_TRUNCATED, at);
	}
	for (const uint8_t *next = at; next < end; count++) {
		uint64_t value = 0;
		const uint8_t *after = read_varint(next, end, &value);
		if (after == NULL)
			return varint_failed(run, next, end);
		if (!fits(field->type, value))
			return fail(run, WGM_CHECK_RANGE, next);
		next = after;
	}
	if (field->type == PROTOBUF_C_TYPE_BOOL)
		count = size;
	return take(run, count * element_size(field->type), at);
}

static bool check_delimited(struct run *run, const struct level *parent, const ProtobufCFieldDescriptor *field,
	const uint8_t *at, const uint8_t *end)
{
	struct level level = { .type = field->descriptor, .start = at, .end = end, .depth = parent->depth + 1 };
	switch (field->type) {
	case PROTOBUF_C_TYPE_STRING:
		return take(run, (size_t)(end - at) + 1, at) && check_text(run, at, end);
	case PROTOBUF_C_TYPE_BYTES:
		return take(run, (size_t)(end - at), at);
	case PROTOBUF_C_TYPE_MESSAGE:
		return check_level(run, &level);
	default:
		return check_packed(run, field, at, end);
	}
}

/* Returns the byte after a field whose tag has been read, or NULL. `length` is that of a delimited field. */
static const uint8_t *skip_value(struct run *run, unsigned wire_type, const uint8_t *at, const uint8_t *end,
	uint64_t *value)
{
	const uint8_t *after;
	uint32_t length = 0;
	size_t width = wire_type == FIXED64 ? 8 : 4;
	switch (wire_type) {
	case VARINT:
		after = read_varint(at, end, value);
		if (after == NULL)
			varint_failed(run, at, end);
		return after;
	case DELIMITED:
		after = read_length(run, at, end, &length);
		*value = length;
		return after == NULL ? NULL : after + length;
	case FIXED64:
	case FIXED32:
		if ((size_t)(end - at) >= width)
			return at + width;
		fail(run, WGM_CHECK_TRUNCATED, at);
		return NULL;
	default:
		/* Groups, and wire types that do not exist. */
		fail(run, WGM_CHECK_WIRE_TYPE, at);
		return NULL;
	}
}

static const ProtobufCFieldDescriptor *find_field(struct level *level, uint32_t number)
{
	const ProtobufCFieldDescriptor *fields = level->type->fields;
	unsigned low = 0;
	unsigned high = level->type->n_fields;
	/* The same field again, then the one after it. */
	for (unsigned i = level->guess; i < high && i < level->guess + 2; i++)
		if (fields[i].id == number) {
			level->guess = i;
			return &fields[i];
		}
	while (low < high) {
		unsigned middle = (low + high) / 2;
		if (fields[middle].id == number) {
			level->guess = middle;
			return &fields[middle];
		}
		if (fields[middle].id < number)
			low = middle + 1;
		else
			high = middle;
	}
	return NULL;
}

/* Which element of its repeated field begins at `element`. Everything before it has passed. */
static ptrdiff_t index_of(struct run *run, const struct level *level, const ProtobufCFieldDescriptor *field,
	const uint8_t *element)
{
	struct wgm_check saved = *run->check;
	ptrdiff_t index = 0;
	if (field->label != PROTOBUF_C_LABEL_REPEATED)
		return -1;
	for (const uint8_t *at = level->start; at < element;) {
		uint32_t tag = 0;
		uint64_t value;
		at = read_short_varint(run, at, level->end, &tag);
		if (at != NULL)
			at = skip_value(run, tag & 7, at, level->end, &value);
		if (at == NULL || at > element)
			break;
		index += tag >> 3 == field->id;
	}
	*run->check = saved;
	return index;
}

static bool name_field(struct run *run, const struct level *level, const ProtobufCFieldDescriptor *field,
	const uint8_t *start)
{
	struct wgm_check *check = run->check;
	if (level->depth < WGM_CHECK_DEPTH) {
		ptrdiff_t index = index_of(run, level, field, start);
		check->path[level->depth] = (struct wgm_check_step){ .field = field->name, .index = index };
		if (check->steps < level->depth + 1)
			check->steps = level->depth + 1;
	}
	return false;
}

/* The list of members that protobuf-c keeps while it reads one message. */
static bool count_member(struct run *run, struct level *level, const uint8_t *at)
{
	run->check->fields++;
	if (run->check->fields > WGM_CHECK_FIELDS)
		return fail(run, WGM_CHECK_TOO_MANY_FIELDS, at);
	if (level->members == level->slab_capacity) {
		size_t more = level->members == 0 ? FIRST_SLAB : level->members + FIRST_SLAB;
		level->slab_capacity += more;
		/* The first slab is on protobuf-c's stack. */
		if (level->members != 0 && !take(run, more * SCANNED_MEMBER, at))
			return false;
	}
	level->members++;
	return true;
}

static bool check_known(struct run *run, struct level *level, const ProtobufCFieldDescriptor *field, unsigned wire_type,
	const uint8_t *at, const uint8_t *after, uint64_t value)
{
	unsigned index = (unsigned)(field - level->type->fields);
	bool repeated = field->label == PROTOBUF_C_LABEL_REPEATED;
	bool first = (level->seen & (UINT64_C(1) << index)) == 0;
	unsigned expected = wire_type_of(field->type);
	bool packed = repeated && wire_type == DELIMITED && expected != DELIMITED;
	level->seen |= UINT64_C(1) << index;
	if (!repeated && !first)
		return fail(run, WGM_CHECK_DUPLICATE, at);
	if (wire_type != expected && !packed)
		return fail(run, WGM_CHECK_WIRE_TYPE, at);
	/* An array's end may need padding. */
	if (repeated && first && !take(run, ALIGNMENT, at))
		return false;
	if (wire_type == DELIMITED) {
		const uint8_t *content = after - value;
		if (repeated && !packed && !take(run, element_size(field->type), at))
			return false;
		return check_delimited(run, level, field, content, after);
	}
	if (wire_type == VARINT && !fits(field->type, value))
		return fail(run, WGM_CHECK_RANGE, at);
	return !repeated || take(run, element_size(field->type), at);
}

static bool check_unknown(struct run *run, const uint8_t *at, const uint8_t *after)
{
	run->check->unknown_fields++;
	if (run->check->unknown_fields > WGM_CHECK_UNKNOWN_FIELDS)
		return fail(run, WGM_CHECK_TOO_MANY_UNKNOWN, at);
	return take(run, sizeof(ProtobufCMessageUnknownField), at) && take(run, (size_t)(after - at), at);
}

static bool check_level(struct run *run, struct level *level)
{
	const uint8_t *end = level->end;
	if (level->depth >= WGM_CHECK_DEPTH)
		return fail(run, WGM_CHECK_TOO_DEEP, level->start);
	if (level->type->n_fields > FIELDS_PER_MESSAGE)
		return fail(run, WGM_CHECK_SCHEMA, level->start);
	if (!take(run, level->type->sizeof_message, level->start))
		return false;
	for (const uint8_t *at = level->start; at < end;) {
		const uint8_t *start = at;
		const uint8_t *after;
		const ProtobufCFieldDescriptor *field;
		uint32_t tag = 0;
		uint64_t value = 0;
		at = read_short_varint(run, at, end, &tag);
		if (at == NULL)
			return false;
		if (tag >> 3 == 0)
			return fail(run, WGM_CHECK_TAG, start);
		field = find_field(level, tag >> 3);
		after = skip_value(run, tag & 7, at, end, &value);
		if (after == NULL)
			return field == NULL ? false : name_field(run, level, field, start);
		if (!count_member(run, level, start))
			return false;
		if (field == NULL && !check_unknown(run, at, after))
			return false;
		if (field != NULL && !check_known(run, level, field, tag & 7, at, after, value))
			return name_field(run, level, field, start);
		at = after;
	}
	return true;
}

bool wgm_check_message(const ProtobufCMessageDescriptor *type, const uint8_t *bytes, size_t size, size_t budget,
	struct wgm_check *check)
{
	static const uint8_t nothing[1];
	const uint8_t *start = bytes == NULL ? nothing : bytes;
	struct run run = { .check = check, .start = start, .budget = budget };
	struct level level = { .type = type, .start = start, .end = start + (bytes == NULL ? 0 : size) };
	return check_level(&run, &level);
}

/* A block that is handed out from front to back and never taken back. */
struct block {
	uint8_t *at;
	size_t left;
};

static void *block_alloc(void *data, size_t size)
{
	struct block *block = data;
	size_t rounded = (size + (ALIGNMENT - 1)) & ~(size_t)(ALIGNMENT - 1);
	void *result = block->at;
	if (rounded < size || rounded > block->left)
		return NULL;
	block->at += rounded;
	block->left -= rounded;
	return result;
}

static void block_free(void *data, void *pointer)
{
	(void)data;
	(void)pointer;
}

const ProtobufCMessage *wgm_unpack(const ProtobufCMessageDescriptor *type, const uint8_t *bytes, size_t size, void *block,
	size_t block_size)
{
	struct block rest = { .at = block, .left = block_size };
	ProtobufCAllocator allocator = { .alloc = block_alloc, .free = block_free, .allocator_data = &rest };
	return protobuf_c_message_unpack(type, &allocator, size, bytes);
}
