/* Bodies with leads as anybody sends them. */
#include <assert.h>
#include <stdlib.h>
#include <string.h>

#include "api/leads_body.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct slice body = slice_of((const char *)data, size > 65536 ? 65536 : size), text;
    char says[LEADS_BODY_SAYS_MAX] = "", *made;
    enum err e = leads_body_read(body, &text, &made, says);

    if (e != OK) {
        assert(says[0]);
    } else if (made) {
        assert(text.p == made && text.len && text.p[0] == '{' && text.p[text.len - 1] == '\n');
    } else {
        assert(text.p == body.p && text.len == body.len);
    }
    free(made);
    return 0;
}
