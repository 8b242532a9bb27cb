/* Noting the messages of each call.
 *
 * Only what tells calls apart is read of a message (start line, Call-ID, From's tag, CSeq), by a
 * scan of its own: a message that the parser refuses belongs into the ladder, too. */
#include "sip/trace.h"

#include <stdio.h>
#include <stdlib.h>

#include "sip/core.h"

struct sip_trace {
    struct pool pool;
    struct hash_table table;
    struct list recent;
    struct hash_seed seed;
    uint64_t refused;
};

/* What a message says of itself. */
struct glance {
    struct slice call_id, from_tag, to_tag;
    bool has_to_tag;
    uint16_t status;
    uint8_t method;
    uint32_t cseq;
};

enum err sip_trace_open(struct sip_trace **out, uint32_t max_calls)
{
    struct sip_trace *t = calloc(1, sizeof *t);

    if (!t || pool_init(&t->pool, sizeof(struct trace_call), max_calls) != OK ||
        hash_table_init(&t->table, max_calls) != OK) {
        if (t)
            pool_fini(&t->pool);
        free(t);
        return ERR_NOMEM;
    }
    t->seed = hash_process_seed();
    list_init(&t->recent);
    *out = t;
    return OK;
}

void sip_trace_close(struct sip_trace *t)
{
    if (!t)
        return;
    hash_table_fini(&t->table);
    pool_fini(&t->pool);
    free(t);
}

void sip_ua_trace(struct sip_ua *ua, struct sip_trace *t)
{
    ua->trace = t;
}

void sip_ua_trace_end(struct sip_ua *ua, struct slice call_id, bool outgoing)
{
    if (ua->trace)
        sip_trace_drop(ua->trace, sip_trace_find(ua->trace, call_id, outgoing));
}

uint64_t sip_trace_refused(const struct sip_trace *t)
{
    return t->refused;
}

/* ---- reading ---- */

static bool next_line(struct slice *rest, struct slice *line)
{
    if (rest->len == 0)
        return false;
    slice_cut(*rest, '\n', line, rest);
    *line = slice_trim(*line);
    return line->len > 0; /* the blank line ends the headers */
}

static bool header_is(struct slice name, const char *full, const char *compact)
{
    return slice_ieq(name, slice_cstr(full)) || (compact && slice_ieq(name, slice_cstr(compact)));
}

/* The tag of a From or To value: a parameter after the address. */
static struct slice tag_of(struct slice value)
{
    int32_t end = slice_find(value, '>');
    struct slice rest = slice_from(value, end < 0 ? 0 : (uint32_t)end + 1), item;

    while (rest.len) {
        slice_cut(rest, ';', &item, &rest);
        item = slice_trim(item);
        if (slice_istarts(item, SLICE("tag=")))
            return slice_from(item, 4);
    }
    return SLICE_NONE;
}

static void read_cseq(struct glance *g, struct slice value)
{
    struct slice number, name;

    slice_cut(value, ' ', &number, &name);
    slice_u32(number, &g->cseq);
    if (g->status)
        g->method = (uint8_t)sip_method_find(slice_trim(name));
}

static bool read_start(struct glance *g, struct slice line)
{
    struct slice first, rest, code;
    uint32_t status = 0;

    slice_cut(line, ' ', &first, &rest);
    if (!slice_istarts(first, SLICE("SIP/"))) {
        g->method = (uint8_t)sip_method_find(first);
        return rest.len > 0;
    }
    slice_cut(rest, ' ', &code, &rest);
    if (slice_u32(code, &status) != OK || status < 100 || status > 699)
        return false;
    g->status = (uint16_t)status;
    return true;
}

static bool glance_at(struct glance *g, struct slice text)
{
    struct slice line, name, value;

    *g = (struct glance){0};
    while (text.len && (text.p[0] == '\r' || text.p[0] == '\n'))
        text = slice_from(text, 1);
    if (!next_line(&text, &line) || !read_start(g, line))
        return false;
    while (next_line(&text, &line)) {
        if (!slice_cut(line, ':', &name, &value))
            continue;
        name = slice_trim(name);
        value = slice_trim(value);
        if (header_is(name, "Call-ID", "i"))
            g->call_id = value;
        else if (header_is(name, "From", "f"))
            g->from_tag = tag_of(value);
        else if (header_is(name, "To", "t"))
            g->to_tag = tag_of(value);
        else if (header_is(name, "CSeq", NULL))
            read_cseq(g, value);
    }
    return g->call_id.len > 0 && g->call_id.len < TRACE_ID_MAX && g->from_tag.len < TRACE_ID_MAX;
}

/* ---- finding ---- */

struct key {
    struct slice call_id;
    bool outgoing;
};

static bool is_call(const struct hash_node *n, const void *key)
{
    const struct trace_call *c = container_of(n, const struct trace_call, node);
    const struct key *k = key;

    return c->outgoing == k->outgoing && slice_eq(slice_cstr(c->call_id), k->call_id);
}

struct trace_call *sip_trace_find(struct sip_trace *t, struct slice call_id, bool outgoing)
{
    struct key key = {call_id, outgoing};
    struct hash_node *n = hash_find(&t->table, hash_slice(t->seed, call_id), is_call, &key);

    return n ? container_of(n, struct trace_call, node) : NULL;
}

void sip_trace_drop(struct sip_trace *t, struct trace_call *c)
{
    if (!c)
        return;
    hash_remove(&t->table, &c->node);
    list_remove(&c->recent);
    pool_put(&t->pool, c);
}

static void make_room(struct sip_trace *t, uint64_t now_us)
{
    if (t->pool.used < t->pool.capacity)
        return;
    struct trace_call *oldest = container_of(list_first(&t->recent), struct trace_call, recent);
    if (now_us - oldest->last_us >= TRACE_OLD_MS * UINT64_C(1000))
        sip_trace_drop(t, oldest);
}

static struct trace_call *make(struct sip_trace *t, const struct glance *g, bool outgoing,
                               uint64_t now_us)
{
    make_room(t, now_us);
    struct trace_call *c = pool_get(&t->pool);

    if (!c) {
        t->refused++;
        return NULL;
    }
    slice_copy(g->call_id, c->call_id, sizeof c->call_id);
    slice_copy(g->from_tag, c->from_tag, sizeof c->from_tag);
    c->outgoing = outgoing;
    list_node_init(&c->recent);
    if (hash_insert(&t->table, &c->node, hash_slice(t->seed, g->call_id)) == OK)
        return c;
    t->refused++;
    pool_put(&t->pool, c);
    return NULL;
}

/* Which end of the call sent it is told by From's tag, which the whole dialog keeps: requests of
 * the caller and responses to them carry the caller's. */
static struct trace_call *call_of(struct sip_trace *t, const struct glance *g, bool out,
                                  uint64_t now_us)
{
    struct trace_call *any = sip_trace_find(t, g->call_id, out);

    if (!any)
        any = sip_trace_find(t, g->call_id, !out);
    if (!any)
        return g->method == SIP_INVITE && !g->status && !g->to_tag.len ? make(t, g, out, now_us)
                                                                       : NULL;
    bool by_caller = slice_eq(g->from_tag, slice_cstr(any->from_tag)) == (g->status == 0);
    struct trace_call *c = sip_trace_find(t, g->call_id, by_caller == out);
    if (!c && g->method == SIP_INVITE && !g->status && !g->to_tag.len)
        c = make(t, g, by_caller == out, now_us);
    return c;
}

/* ---- noting ---- */

void sip_trace_note(struct sip_trace *t, uint64_t at_us, bool out, struct slice text)
{
    struct glance g;

    if (!glance_at(&g, text))
        return;
    struct trace_call *c = call_of(t, &g, out, at_us);
    if (!c)
        return;
    c->last_us = at_us;
    list_remove(&c->recent);
    list_push_back(&t->recent, &c->recent);
    if (c->count == TRACE_MESSAGES_MAX) {
        c->dropped++;
        return;
    }
    struct trace_message *m = &c->message[c->count];
    *m = (struct trace_message){
        .at_us = at_us, .out = out, .method = g.method, .status = g.status, .cseq = g.cseq};
    for (uint32_t i = 0; i < c->count && !m->repeated; i++) {
        const struct trace_message *o = &c->message[i];
        m->repeated = o->out == out && o->method == g.method && o->status == g.status &&
                      o->cseq == g.cseq && slice_eq(trace_text(c, o), text);
    }
    c->count++;
    if (m->repeated || text.len > TRACE_TEXT_MAX - c->used)
        return;
    memcpy(c->text + c->used, text.p, text.len);
    m->at = c->used;
    m->len = text.len;
    c->used += text.len;
}

/* ---- looking ---- */

struct slice trace_text(const struct trace_call *c, const struct trace_message *m)
{
    return slice_of(c->text + m->at, m->len);
}

const char *trace_name(const struct trace_message *m, char *dst, size_t cap)
{
    struct slice method = sip_method_name((enum sip_method)m->method);

    if (!method.len)
        method = SLICE("other");
    if (!m->status)
        snprintf(dst, cap, SLICE_FMT, SLICE_ARG(method));
    else if (m->method == SIP_INVITE)
        snprintf(dst, cap, "%u", m->status);
    else
        snprintf(dst, cap, "%u (" SLICE_FMT ")", m->status, SLICE_ARG(method));
    return dst;
}

struct slice trace_header(const struct trace_call *c, const struct trace_message *m,
                          const char *name)
{
    struct slice rest = trace_text(c, m), line, head, value;

    if (!next_line(&rest, &line))
        return SLICE_NONE;
    while (next_line(&rest, &line))
        if (slice_cut(line, ':', &head, &value) && slice_ieq(slice_trim(head), slice_cstr(name)))
            return slice_trim(value);
    return SLICE_NONE;
}
