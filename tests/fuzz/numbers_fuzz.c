/* Files of numbers: whatever the bytes, every row is a number, a reason or a comment, and the end
 * is reached. */
#undef NDEBUG
#include <assert.h>
#include <string.h>

#include "campaign/numbers_file.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static int64_t read_some(void *arg, char *dst, size_t cap)
{
    struct slice *left = arg;
    size_t n = left->len < cap ? left->len : cap;

    if (n > 777)
        n = 777;
    memcpy(dst, left->p, n);
    *left = slice_from(*left, (uint32_t)n);
    return (int64_t)n;
}

static void read_all(struct slice text, const struct number_country *home)
{
    char number[NUMBER_E164_MAX];
    struct numbers_file f;
    uint64_t given = 0, bad = 0;
    enum err e;

    if (numbers_file_init(&f, read_some, &text, home) != OK) {
        assert(f.reason[0]);
        return;
    }
    while ((e = numbers_file_next(&f, number)) != ERR_CLOSED) {
        assert(e == OK || e == ERR_INVALID);
        assert(numbers_file_line(&f) >= 1);
        if (e == ERR_INVALID) {
            assert(f.reason[0]);
            bad++;
            continue;
        }
        size_t digits = strspn(number + 1, "0123456789");
        assert(number[0] == '+' && number[1] != '0' && digits >= 1 && digits <= 15 &&
               number[1 + digits] == '\0');
        given++;
    }
    assert(f.numbers == given && f.rejected == bad);
    numbers_file_fini(&f);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    if (size > 1 << 20)
        return 0;
    read_all(slice_of((const char *)data, size), number_country_find(SLICE("us")));
    read_all(slice_of((const char *)data, size), NULL);
    return 0;
}
