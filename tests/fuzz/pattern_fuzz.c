/* The counting matcher on arbitrary patterns and subjects: it ends within its steps, reads only
 * what it was given, and its captures lie within the subject. Input: pattern, a zero byte, subject.
 */
#include <stdlib.h>

#include "flow/pattern.h"

#include <string.h>

#define STEPS_MAX 20000

static void check(const struct pattern *m)
{
    for (int i = 0; i < m->level; i++) {
        const struct pattern_capture *c = &m->capture[i];
        if (c->start < m->text || c->start > m->text_end)
            abort();
        if (c->len > 0 && c->len > m->text_end - c->start)
            abort();
    }
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    const uint8_t *zero = size ? memchr(data, 0, size) : NULL;
    size_t plen = zero ? (size_t)(zero - data) : size;
    size_t slen = zero ? size - plen - 1 : 0;
    /* Heap copies of the exact size, so that a sanitizer sees a step beyond either end. As in Lua,
     * a terminator follows. */
    char *p = malloc(plen + 1), *s = malloc(slen + 1);

    if (!p || !s)
        abort();
    memcpy(p, data, plen);
    p[plen] = '\0';
    if (slen)
        memcpy(s, zero + 1, slen);
    s[slen] = '\0';
    struct pattern m = {.text = s, .text_end = s + slen, .end = p + plen, .steps_max = STEPS_MAX};
    bool anchored = plen > 0 && p[0] == '^';
    for (const char *at = s; at <= m.text_end && !m.error; at++) {
        m.level = m.depth = 0;
        const char *end = pattern_match(&m, at, p + anchored);
        if (end && (end < at || end > m.text_end))
            abort();
        if (end)
            check(&m);
        if (m.steps > STEPS_MAX + 1 + slen) /* one back reference is paid at once */
            abort();
        if (anchored)
            break;
    }
    free(p);
    free(s);
    return 0;
}
