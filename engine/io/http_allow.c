/* The list of hosts that may be asked. Pure functions. */
#include <stdio.h>
#include <string.h>
#include <strings.h>

#include "io/http.h"
#include "io/http_inner.h"

/* The next entry of the list, without blanks; false at its end. */
static bool next_entry(const char **at, struct slice *entry)
{
    while (**at) {
        size_t n = strcspn(*at, ",");
        *entry = slice_trim(slice_of(*at, n));
        *at += n + ((*at)[n] == ',');
        if (entry->len > 0)
            return true;
    }
    return false;
}

/* "[::1]:80" → "::1" and 80; port 0: any. False: it cannot be read. */
static bool split(struct slice entry, struct slice *host, uint16_t *port)
{
    struct slice rest = SLICE_NONE;
    uint32_t number = 0;

    *host = entry;
    *port = 0;
    if (entry.p[0] == '[') {
        int32_t end = slice_find(entry, ']');
        if (end < 0)
            return false;
        *host = slice_of(entry.p + 1, (size_t)end - 1);
        rest = slice_from(entry, (uint32_t)end + 1);
        if (rest.len == 0)
            return true;
        if (rest.p[0] != ':')
            return false;
        rest = slice_from(rest, 1);
    } else if (!slice_cut(entry, ':', host, &rest)) {
        return host->len > 0;
    }
    if (slice_u32(rest, &number) != OK || number == 0 || number > 65535 || host->len == 0)
        return false;
    *port = (uint16_t)number;
    return true;
}

bool http_allows(const char *allow, const char *host, uint16_t port)
{
    struct slice entry, name, asked = slice_cstr(host);
    uint16_t its_port;

    while (allow && next_entry(&allow, &entry)) {
        if (!split(entry, &name, &its_port) || (its_port && its_port != port))
            continue;
        if (name.len > 2 && name.p[0] == '*' && name.p[1] == '.') {
            struct slice tail = slice_from(name, 1);
            if (asked.len > tail.len && slice_ieq(slice_from(asked, asked.len - tail.len), tail))
                return true;
        } else if (slice_ieq(name, asked)) {
            return true;
        }
    }
    return false;
}

bool http_allow_valid(const char *allow, char *wrong, size_t cap)
{
    struct slice entry, name;
    uint16_t port;
    uint32_t n = 0;

    while (allow && next_entry(&allow, &entry))
        if (++n > HTTP_ALLOW_MAX || !split(entry, &name, &port) ||
            memchr(entry.p, '/', entry.len)) {
            snprintf(wrong, cap, SLICE_FMT, SLICE_ARG(entry));
            return false;
        }
    return true;
}
