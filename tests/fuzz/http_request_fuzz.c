/* Heads of requests as anybody sends them, and what is taken from their queries. */
#include <assert.h>
#include <string.h>

#include "io/http_request.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void within(struct slice all, struct slice part)
{
    assert(part.len == 0 || (part.p >= all.p && part.p + part.len <= all.p + all.len));
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static const char *const known[] = {"from", "to", NULL};
    struct slice text = slice_of((const char *)data, size > 8192 ? 8192 : size);
    struct http_request r;
    struct http_head head;
    char value[64];

    const struct http_refusal *no = http_request_read(text, &r, &head);
    if (no) {
        assert(strlen(no->status) > 4 && no->sentence[0]);
        return 0;
    }
    const struct slice parts[] = {r.method,        r.path, r.query, r.host,
                                  r.authorization, r.type, r.origin};
    for (size_t i = 0; i < sizeof(parts) / sizeof(parts[0]); i++)
        within(text, parts[i]);
    assert(r.path.len && r.path.p[0] == '/');
    if (http_query_value(r.query, "from", value, sizeof(value)) == OK)
        assert(strlen(value) < sizeof(value));
    http_unescape(r.path, value, sizeof(value));
    within(text, http_query_unknown(r.query, known));
    return 0;
}
