/* Custom fields: reading one never leaves the bytes given, nor the room for the answer. */
#undef NDEBUG
#include <assert.h>
#include <stdlib.h>
#include <string.h>

#include "campaign/fields.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    char *exact = malloc(size ? size : 1); /* so that a byte too far is seen */
    char dst[9];

    assert(exact);
    if (size)
        memcpy(exact, data, size);
    memset(dst, 'x', sizeof(dst));
    bool there = fields_text(slice_of(exact, size), "region", dst, 8);
    assert(dst[8] == 'x' && memchr(dst, 0, 8) && (there || dst[0] == '\0'));
    free(exact);
    return 0;
}
