/* A scan over a JSON object for one field: strings are stepped over whole, braces and brackets are
 * counted, and a name counts at depth one only. It is no judge of JSON: what is none gives nothing
 * or something, but never reads beyond. */
#include "campaign/fields.h"

#include <stdbool.h>
#include <string.h>

/* At the opening quote; *i moves behind the closing one. False: it is not closed, or too long. */
static bool take_string(struct slice s, uint32_t *i, char *dst, size_t cap)
{
    static const char from[] = "\"\\/bfnrt", to[] = "\"\\/\b\f\n\r\t";
    size_t n = 0;
    bool fits = cap > 0;

    for (*i += 1; *i < s.len && s.p[*i] != '"'; *i += 1) {
        char c = s.p[*i];
        if (c == '\\' && *i + 1 < s.len) {
            *i += 1;
            const char *at = s.p[*i] ? strchr(from, s.p[*i]) : NULL;
            c = at ? to[at - from] : '?';
            if (s.p[*i] == 'u')
                *i += s.len - *i > 4 ? 4 : s.len - *i - 1;
        }
        if (n + 1 < cap)
            dst[n++] = c;
        else
            fits = false;
    }
    if (cap)
        dst[n] = '\0';
    if (*i >= s.len)
        return false;
    *i += 1;
    return fits;
}

static void skip_blanks(struct slice s, uint32_t *i)
{
    while (*i < s.len && strchr(" \t\r\n", s.p[*i]) && s.p[*i])
        *i += 1;
}

bool fields_text(struct slice json, const char *name, char *dst, size_t cap)
{
    char key[64];
    uint32_t depth = 0, i = 0;

    dst[0] = '\0';
    while (i < json.len) {
        char c = json.p[i];
        if (c != '"') {
            depth += c == '{' || c == '[';
            depth -= depth && (c == '}' || c == ']');
            i++;
            continue;
        }
        bool whole = take_string(json, &i, key, sizeof(key));
        skip_blanks(json, &i);
        if (i >= json.len || json.p[i] != ':')
            continue;
        i++;
        skip_blanks(json, &i);
        if (!whole || depth != 1 || strcmp(key, name) != 0)
            continue;
        if (i < json.len && json.p[i] == '"' && take_string(json, &i, dst, cap))
            return true;
        dst[0] = '\0';
        return false;
    }
    return false;
}
