/* Any bytes as a number, read for the country that the first two name: whatever is taken is E.164,
 * reads as itself again, and both tables give an answer within their bounds. */
#undef NDEBUG
#include <assert.h>
#include <stdlib.h>
#include <string.h>

#include "campaign/number_plan.h"
#include "campaign/number_tables.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    char once[NUMBER_E164_MAX], twice[NUMBER_E164_MAX];
    const char *why = NULL, *names[NUMBER_ZONES_MAX];

    if (size < 2)
        return 0;
    const struct number_country *home = number_country_find(slice_of((const char *)data, 2));
    char *text = malloc(size - 1); /* its own block, so that ASan sees one byte too far */

    memcpy(text, data + 2, size - 2);
    text[size - 2] = '\0';
    number_plan_check(text, &why);
    assert(number_zones(text, names) <= NUMBER_ZONES_MAX);
    enum err e = number_normalise(slice_of(text, size - 2), home, once, &why);
    free(text);
    if (e != OK) {
        assert(once[0] == '\0' && why);
        return 0;
    }
    assert(once[0] == '+' && strspn(once + 1, "0123456789") == strlen(once) - 1);
    assert(strlen(once) >= 8 && strlen(once) <= 16);
    assert(number_normalise(slice_cstr(once), home, twice, NULL) == OK && !strcmp(once, twice));
    uint32_t n = number_zones(once, names);

    assert(n <= NUMBER_ZONES_MAX);
    for (uint32_t i = 0; i < n; i++)
        assert(names[i] && names[i][0]);
    return 0;
}
