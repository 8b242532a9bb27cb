/* Replies of sentinels and cluster nodes; and which slot a command is of. */
#include "queue/redis_reply.h"

#include <arpa/inet.h>
#include <hiredis/hiredis.h>
#include <stdio.h>

#define RANGES_MAX REDIS_SLOTS

bool redis_host_read(struct slice host, struct slice port, struct redis_host *out)
{
    unsigned char binary[16];
    uint64_t n;

    if (slice_eq(host, SLICE("localhost")))
        host = SLICE("127.0.0.1");
    if (!host.len || memchr(host.p, 0, host.len) || slice_copy(host, out->host, sizeof(out->host)))
        return false;
    if (inet_pton(AF_INET, out->host, binary) != 1 && inet_pton(AF_INET6, out->host, binary) != 1)
        return false;
    if (slice_u64(port, UINT16_MAX, &n) || n == 0)
        return false;
    out->port = (uint16_t)n;
    return true;
}

bool redis_host_eq(const struct redis_host *a, const struct redis_host *b)
{
    return a->port == b->port && strcmp(a->host, b->host) == 0;
}

void redis_host_url(const struct redis_host *h, char *dst, size_t cap)
{
    bool v6 = strchr(h->host, ':') != NULL;

    snprintf(dst, cap, "redis://%s%s%s:%u", v6 ? "[" : "", h->host, v6 ? "]" : "", h->port);
}

static struct slice text_of(const redisReply *r)
{
    return r->type == REDIS_REPLY_STRING || r->type == REDIS_REPLY_STATUS ? slice_of(r->str, r->len)
                                                                          : SLICE_NONE;
}

bool reply_is_nil(const redisReply *reply)
{
    return reply->type == REDIS_REPLY_NIL;
}

bool reply_is_error(const redisReply *reply, const char *begins_with)
{
    return reply->type == REDIS_REPLY_ERROR &&
           slice_starts(slice_of(reply->str, reply->len), slice_cstr(begins_with));
}

bool reply_read_host(const redisReply *reply, struct redis_host *out)
{
    return reply->type == REDIS_REPLY_ARRAY && reply->elements == 2 &&
           redis_host_read(text_of(reply->element[0]), text_of(reply->element[1]), out);
}

bool reply_is_master(const redisReply *reply)
{
    return reply->type == REDIS_REPLY_ARRAY && reply->elements > 0 &&
           slice_eq(text_of(reply->element[0]), SLICE("master"));
}

/* "127.0.0.1:6381", "::1:6381", ":6381" */
static bool read_endpoint(struct slice text, const struct redis_host *self, struct redis_host *to)
{
    int32_t colon = -1;

    for (uint32_t i = 0; i < text.len; i++)
        if (text.p[i] == ':')
            colon = (int32_t)i;
    if (colon < 0)
        return false;
    struct slice host = slice_of(text.p, (size_t)colon);
    if (!host.len)
        host = slice_cstr(self->host);
    return redis_host_read(host, slice_from(text, (uint32_t)colon + 1), to);
}

enum redis_redirect reply_read_redirect(const redisReply *reply, const struct redis_host *self,
                                        uint32_t *slot, struct redis_host *to)
{
    struct slice word, number, endpoint, rest;
    uint64_t n;

    if (reply->type != REDIS_REPLY_ERROR)
        return REDIRECT_NONE;
    rest = slice_of(reply->str, reply->len);
    slice_cut(rest, ' ', &word, &rest);
    slice_cut(rest, ' ', &number, &endpoint);
    bool moved = slice_eq(word, SLICE("MOVED"));
    if ((!moved && !slice_eq(word, SLICE("ASK"))) || slice_u64(number, REDIS_SLOTS - 1, &n) ||
        !read_endpoint(endpoint, self, to))
        return REDIRECT_NONE;
    *slot = (uint32_t)n;
    return moved ? REDIRECT_MOVED : REDIRECT_ASK;
}

static bool read_range(const redisReply *r, const struct redis_host *self, reply_range_fn *fn,
                       void *arg)
{
    struct redis_host master;
    char port[12];

    if (r->type != REDIS_REPLY_ARRAY || r->elements < 3 ||
        r->element[0]->type != REDIS_REPLY_INTEGER || r->element[1]->type != REDIS_REPLY_INTEGER)
        return false;
    long long first = r->element[0]->integer, last = r->element[1]->integer;
    const redisReply *node = r->element[2];
    if (first < 0 || last < first || last >= REDIS_SLOTS || node->type != REDIS_REPLY_ARRAY ||
        node->elements < 2 || node->element[1]->type != REDIS_REPLY_INTEGER)
        return false;
    struct slice host = text_of(node->element[0]);
    snprintf(port, sizeof(port), "%d", (int)(node->element[1]->integer & 0xfffff));
    if (!host.len)
        host = slice_cstr(self->host);
    if (!redis_host_read(host, slice_cstr(port), &master))
        return false;
    fn(arg, (uint32_t)first, (uint32_t)last, &master);
    return true;
}

bool reply_read_slots(const redisReply *reply, const struct redis_host *self, reply_range_fn *fn,
                      void *arg)
{
    if (reply->type != REDIS_REPLY_ARRAY || reply->elements > RANGES_MAX)
        return false;
    for (size_t i = 0; i < reply->elements; i++)
        if (!read_range(reply->element[i], self, fn, arg))
            return false;
    return true;
}

/* --- slots --- */

uint32_t redis_key_slot(struct slice key)
{
    int32_t open = slice_find(key, '{');
    uint16_t crc = 0;

    if (open >= 0) {
        struct slice after = slice_from(key, (uint32_t)open + 1);
        int32_t end = slice_find(after, '}');
        if (end > 0)
            key = slice_of(after.p, (size_t)end);
    }
    for (uint32_t i = 0; i < key.len; i++) {
        crc = (uint16_t)(crc ^ ((uint16_t)(uint8_t)key.p[i] << 8));
        for (int bit = 0; bit < 8; bit++)
            crc = (uint16_t)(crc & 0x8000 ? (crc << 1) ^ 0x1021 : crc << 1);
    }
    return crc % REDIS_SLOTS;
}

/* "$3\r\nabc\r\n" off the head of s. */
static bool take_word(struct slice *s, struct slice *word)
{
    struct slice head, rest;
    uint64_t n;

    if (!s->len || s->p[0] != '$' || !slice_cut(slice_from(*s, 1), '\n', &head, &rest) ||
        slice_u64(slice_trim(head), UINT32_MAX - 2, &n) || rest.len < n + 2)
        return false;
    *word = slice_of(rest.p, n);
    *s = slice_from(rest, (uint32_t)n + 2);
    return true;
}

enum err redis_slot_of(struct slice resp, uint32_t *slot)
{
    struct slice head, rest, name, word, count, key;
    uint64_t words;

    if (!resp.len || resp.p[0] != '*' || !slice_cut(slice_from(resp, 1), '\n', &head, &rest) ||
        slice_u64(slice_trim(head), UINT32_MAX, &words) || !words || !take_word(&rest, &name))
        return ERR_INVALID;
    *slot = 0;
    if (slice_istarts(name, SLICE("FCALL"))) {
        if (!take_word(&rest, &word) || !take_word(&rest, &count))
            return ERR_INVALID;
        if (slice_eq(count, SLICE("0")))
            return OK;
    }
    if (words > 1 && !take_word(&rest, &key))
        return ERR_INVALID;
    if (words > 1)
        *slot = redis_key_slot(key);
    return OK;
}
