/* Comparing slices in tests of sip/, and text placed before a guard page. */
#ifndef PEAL_TESTS_SIP_EXPECT_H
#define PEAL_TESTS_SIP_EXPECT_H

#include <criterion/criterion.h>

#include "base/slice.h"
#include "guard.h"

#define EXPECT_TEXT(got, want)                                                                     \
    do {                                                                                           \
        struct slice got_ = (got);                                                                 \
        cr_assert(slice_eq(got_, slice_cstr(want)), "%s is \"" SLICE_FMT "\", not \"%s\"", #got,   \
                  SLICE_ARG(got_), want);                                                          \
    } while (0)

static inline struct slice guarded(const char *text)
{
    return slice_of(guard_place(text, strlen(text)), strlen(text));
}

#endif
