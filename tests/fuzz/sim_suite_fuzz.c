/* Suite files: groups of callers, arrival laws, what goes wrong on purpose. Whatever is taken can
 * be freed; whatever is not is refused with a sentence that names a line. */
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "sim/suite.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    const struct suite_options options = {NULL, "engine=127.0.0.1:5060"};
    struct slice text = slice_of((const char *)data, size);
    char error[SUITE_ERROR_MAX] = "";
    struct suite *s = NULL;

    if (size > 1 << 20)
        return 0;
    suite_is_one(text);
    if (suite_load_text(&s, "f.yaml", text, &options, error) == OK) {
        if (s->caller_groups > SUITE_CALLERS_MAX || (!s->answers && !s->caller_groups))
            abort();
        for (uint32_t i = 0; i < s->caller_groups; i++) {
            struct law law = s->callers[i].law; /* its first calls, in order */
            uint64_t before = 0, at;
            for (int n = 0; n < 100 && (at = law_next(&law)) != UINT64_MAX; n++) {
                if (at < before)
                    abort();
                before = at;
            }
        }
        suite_free(s);
    } else if (strncmp(error, "f.yaml", 6) != 0) {
        abort();
    }
    return 0;
}
