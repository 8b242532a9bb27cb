/* Any bytes as an address: what is accepted must survive being written and read again. */
#include <stdlib.h>
#include <string.h>

#include "io/addr.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct addr a, b;
    char text[ADDR_TEXT_MAX];
    char *copy = malloc(size ? size : 1); /* its own block, so that ASan sees one byte too far */

    memcpy(copy, data, size);
    if (addr_parse(slice_of(copy, size), 5060, &a) == OK) {
        addr_format(&a, text, sizeof(text));
        if (addr_parse(slice_cstr(text), 0, &b) || !addr_eq(&a, &b) || memcmp(&a, &b, sizeof(a)))
            abort();
    }
    free(copy);
    return 0;
}
