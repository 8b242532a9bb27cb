/* A streaming JSON writer over struct buf: no allocation, commas and escapes handled, invalid
 * UTF-8 replaced by U+FFFD. Nesting up to JSON_DEPTH_MAX. Check buf_end() at the end.
 * Some names are longer than one would like: json_object, json_array and json_null are jansson's,
 * and a program that defined them would give them to that library, too. */
#ifndef PEAL_BASE_JSON_H
#define PEAL_BASE_JSON_H

#include "base/buf.h"

#define JSON_DEPTH_MAX 16

struct json {
    struct buf *out;
    uint32_t depth;
    bool need_comma[JSON_DEPTH_MAX + 1];
    char closer[JSON_DEPTH_MAX + 1];
};

void json_init(struct json *j, struct buf *out);

/* name: the key inside an object, NULL inside an array or at the top. */
void json_begin_object(struct json *j, const char *name);
void json_begin_array(struct json *j, const char *name);
void json_end(struct json *j); /* closes the innermost object or array */

void json_str(struct json *j, const char *name, struct slice value);
void json_cstr(struct json *j, const char *name, const char *value); /* NULL becomes null */
void json_u64(struct json *j, const char *name, uint64_t value);
void json_i64(struct json *j, const char *name, int64_t value);
void json_num(struct json *j, const char *name, double value); /* NaN and infinity become null */
void json_bool(struct json *j, const char *name, bool value);
void json_put_null(struct json *j, const char *name);

#endif
