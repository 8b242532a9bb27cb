/* Between the ua and its wire. */
#include "sip/meddle.h"

#include <stdlib.h>

#include "sip/core.h"

#define CALL_ID_MAX  160
#define TEXT_MAX     (SIP_UA_MESSAGE_MAX + SIP_MEDDLE_BYTES_MAX)
#define HEADER_BYTES 4000 /* of one padding header: a large value, and many of them */

struct call_rules {
    struct hash_node node;
    struct list_node age; /* oldest first */
    uint32_t rules, len;
    struct sip_meddle rule[SIP_MEDDLE_RULES_MAX];
    char call_id[CALL_ID_MAX];
};

struct late {
    struct timer timer;
    struct list_node node;
    struct sip_ua *ua;
    struct sip_path to;
    char *text;
    uint32_t len;
};

struct sip_meddler {
    struct hash_table table;
    struct pool calls, late_pool;
    struct list ages, late;
    struct sip_meddle_stats stats;
    bool passing; /* what is sent now has been meddled with */
    char text[TEXT_MAX];
};

const struct sip_meddle_deed sip_meddle_deeds[SIP_MEDDLE_DEEDS] = {
    {"lose", NULL, SIP_MEDDLE_LOSE, 0, 0, 0},
    {"ignore", NULL, SIP_MEDDLE_IGNORE, 0, 0, 0},
    {"double", "copies", SIP_MEDDLE_REPEAT, 1, SIP_MEDDLE_COPIES_MAX, 1},
    {"late", "by", SIP_MEDDLE_DELAY, 0.5, SIP_MEDDLE_DELAY_MAX_MS / 1000.0, 1000},
    {"bloat", "bytes", SIP_MEDDLE_PAD, 4000, SIP_MEDDLE_BYTES_MAX, 1},
};

/* ---- which message ---- */

struct kind_of {     /* of a message */
    uint16_t status; /* 0: a request */
    struct slice method;
};

static bool is_class(const char *w)
{
    return w[0] >= '1' && w[0] <= '6' && w[1] == 'x' && w[2] == 'x';
}

static bool is_status(const char *w)
{
    return w[0] >= '1' && w[0] <= '6' && w[1] >= '0' && w[1] <= '9' && w[2] >= '0' && w[2] <= '9';
}

static bool is_method(const char *w)
{
    return *w && strspn(w, "ABCDEFGHIJKLMNOPQRSTUVWXYZ") == strlen(w);
}

static bool valid_what(const char *w)
{
    if (strcmp(w, "*") == 0 || is_method(w))
        return true;
    return (is_class(w) || is_status(w)) && (!w[3] || (w[3] == '/' && is_method(w + 4)));
}

static bool matches(const struct sip_meddle *r, const struct kind_of *k)
{
    const char *w = r->what;

    if (w[0] == '*')
        return true;
    if (is_method(w))
        return k->status == 0 && slice_eq(k->method, slice_cstr(w));
    if (k->status / 100 != w[0] - '0')
        return false;
    if (is_status(w) && k->status != (w[0] - '0') * 100 + (w[1] - '0') * 10 + (w[2] - '0'))
        return false;
    return !w[3] || slice_eq(k->method, slice_cstr(w + 4));
}

static struct sip_meddle *find_rule(struct call_rules *c, const struct kind_of *k, bool ours)
{
    for (uint32_t i = 0; c && i < c->rules; i++)
        if ((c->rule[i].kind != SIP_MEDDLE_IGNORE) == ours && matches(&c->rule[i], k))
            return &c->rule[i];
    return NULL;
}

static void use(struct call_rules *c, struct sip_meddle *r)
{
    if (r->times == 0 || --r->times)
        return;
    uint32_t i = (uint32_t)(r - c->rule);
    memmove(r, r + 1, (--c->rules - i) * sizeof *r);
}

/* ---- the rules of a call ---- */

static bool same_call(const struct hash_node *n, const void *key)
{
    const struct call_rules *c = container_of(n, const struct call_rules, node);

    return slice_eq(slice_of(c->call_id, c->len), *(const struct slice *)key);
}

static struct call_rules *find_call(struct sip_ua *ua, struct slice call_id)
{
    struct hash_node *n =
        hash_find(&ua->meddler->table, hash_slice(ua->seed, call_id), same_call, &call_id);

    return n ? container_of(n, struct call_rules, node) : NULL;
}

static void forget(struct sip_meddler *m, struct call_rules *c)
{
    hash_remove(&m->table, &c->node);
    list_remove(&c->age);
    pool_put(&m->calls, c);
}

static struct call_rules *new_call(struct sip_ua *ua, struct slice call_id)
{
    struct sip_meddler *m = ua->meddler;

    if (call_id.len == 0 || call_id.len > CALL_ID_MAX)
        return NULL;
    if (m->calls.used == m->calls.capacity)
        forget(m, container_of(list_first(&m->ages), struct call_rules, age));
    struct call_rules *c = pool_get(&m->calls);
    if (!c)
        return NULL;
    c->rules = 0;
    c->len = call_id.len;
    memcpy(c->call_id, call_id.p, call_id.len);
    list_node_init(&c->age);
    if (hash_insert(&m->table, &c->node, hash_slice(ua->seed, call_id)) != OK) {
        pool_put(&m->calls, c);
        return NULL;
    }
    list_push_back(&m->ages, &c->age);
    return c;
}

static enum err open_meddler(struct sip_ua *ua)
{
    struct sip_meddler *m = calloc(1, sizeof *m);

    if (!m)
        return ERR_NOMEM;
    list_init(&m->ages);
    list_init(&m->late);
    ua->meddler = m;
    if (hash_table_init(&m->table, SIP_MEDDLE_CALLS_MAX) == OK &&
        pool_init(&m->calls, sizeof(struct call_rules), SIP_MEDDLE_CALLS_MAX) == OK &&
        pool_init(&m->late_pool, sizeof(struct late), SIP_MEDDLE_LATE_MAX) == OK)
        return OK;
    sip_meddle_close(ua);
    return ERR_NOMEM;
}

static bool within_bound(const struct sip_meddle *r)
{
    switch (r->kind) {
    case SIP_MEDDLE_LOSE:
    case SIP_MEDDLE_IGNORE:
        return true;
    case SIP_MEDDLE_REPEAT:
        return r->amount >= 1 && r->amount <= SIP_MEDDLE_COPIES_MAX;
    case SIP_MEDDLE_DELAY:
        return r->amount >= 1 && r->amount <= SIP_MEDDLE_DELAY_MAX_MS;
    case SIP_MEDDLE_PAD:
        return r->amount >= 1 && r->amount <= SIP_MEDDLE_BYTES_MAX;
    case SIP_MEDDLE_HEADER:
        return r->header[0] && !strpbrk(r->header, "\r\n") && strchr(r->header, ':');
    }
    return false;
}

bool sip_meddle_valid(const struct sip_meddle *rule)
{
    return valid_what(rule->what) && within_bound(rule);
}

enum err sip_meddle_add(struct sip_ua *ua, struct slice call_id, const struct sip_meddle *rule)
{
    enum err e;

    if (!sip_meddle_valid(rule))
        return ERR_INVALID;
    if (!ua->meddler && (e = open_meddler(ua)) != OK)
        return e;
    struct call_rules *c = find_call(ua, call_id);
    if (!c)
        c = new_call(ua, call_id);
    if (!c || c->rules == SIP_MEDDLE_RULES_MAX)
        return ERR_FULL;
    c->rule[c->rules++] = *rule;
    return OK;
}

static void drop_late(struct late *l)
{
    list_remove(&l->node);
    free(l->text);
    pool_put(&l->ua->meddler->late_pool, l);
}

void sip_meddle_close(struct sip_ua *ua)
{
    struct sip_meddler *m = ua->meddler;

    if (!m)
        return;
    list_each(n, next, &m->late)
    {
        struct late *l = container_of(n, struct late, node);
        timer_stop(ua->wheel, &l->timer);
        drop_late(l);
    }
    hash_table_fini(&m->table);
    pool_fini(&m->calls);
    pool_fini(&m->late_pool);
    free(m);
    ua->meddler = NULL;
}

const struct sip_meddle_stats *sip_meddle_stats(const struct sip_ua *ua)
{
    static const struct sip_meddle_stats none;

    return ua->meddler ? &ua->meddler->stats : &none;
}

/* ---- what happens ---- */

static void pass(struct sip_ua *ua, const struct sip_path *to, struct slice text)
{
    ua->meddler->passing = true;
    sip_send(ua, to, text);
    ua->meddler->passing = false;
}

static void on_late(struct timer *t)
{
    struct late *l = container_of(t, struct late, timer);

    pass(l->ua, &l->to, slice_of(l->text, l->len));
    drop_late(l);
}

static bool delay(struct sip_ua *ua, const struct sip_path *to, struct slice text, uint32_t ms)
{
    struct sip_meddler *m = ua->meddler;
    struct late *l = pool_get(&m->late_pool);
    char *copy = l ? malloc(text.len + 1) : NULL;

    if (!copy) {
        if (l)
            pool_put(&m->late_pool, l);
        m->stats.refused++;
        return false;
    }
    memcpy(copy, text.p, text.len);
    timer_init(&l->timer);
    list_node_init(&l->node);
    list_push_back(&m->late, &l->node);
    l->ua = ua;
    l->to = *to;
    l->text = copy;
    l->len = text.len;
    timer_start(ua->wheel, &l->timer, ms, on_late);
    m->stats.delayed++;
    return true;
}

/* The text with so many bytes of further headers at the end of its own. */
static bool pad(struct sip_ua *ua, const struct sip_path *to, struct slice text, uint32_t bytes)
{
    struct sip_meddler *m = ua->meddler;
    const char *end = memmem(text.p, text.len, "\r\n\r\n", 4);
    struct buf b = buf_on(m->text, sizeof m->text);

    if (!end || text.len + bytes > sizeof m->text)
        return false;
    uint32_t head = (uint32_t)(end - text.p) + 2;
    buf_put(&b, slice_of(text.p, head));
    while (bytes > 0) {
        uint32_t n = bytes < HEADER_BYTES ? bytes : HEADER_BYTES;
        buf_puts(&b, "X-Padding: ");
        for (uint32_t i = 13; i < n; i++)
            buf_putc(&b, (char)('a' + i % 26));
        buf_puts(&b, "\r\n");
        bytes -= n;
    }
    buf_put(&b, slice_from(text, head));
    if (buf_end(&b) != OK)
        return false;
    m->stats.padded++;
    pass(ua, to, buf_slice(&b));
    return true;
}

/* The text with a header at the end of its own. */
static bool head(struct sip_ua *ua, const struct sip_path *to, struct slice text,
                 const char *header)
{
    struct sip_meddler *m = ua->meddler;
    const char *end = memmem(text.p, text.len, "\r\n\r\n", 4);
    struct buf b = buf_on(m->text, sizeof m->text);

    if (!end)
        return false;
    uint32_t at = (uint32_t)(end - text.p) + 2;
    buf_put(&b, slice_of(text.p, at));
    buf_puts(&b, header);
    buf_puts(&b, "\r\n");
    buf_put(&b, slice_from(text, at));
    if (buf_end(&b) != OK)
        return false;
    m->stats.headed++;
    pass(ua, to, buf_slice(&b));
    return true;
}

/* What one rule does to a message of ours; true: it has been taken care of. */
static bool carry_out(struct sip_ua *ua, const struct sip_meddle *r, const struct sip_path *to,
                      struct slice text)
{
    struct sip_meddler *m = ua->meddler;

    switch (r->kind) {
    case SIP_MEDDLE_LOSE:
        m->stats.lost++;
        return true;
    case SIP_MEDDLE_REPEAT:
        for (uint32_t i = 0; i < r->amount; i++)
            pass(ua, to, text);
        m->stats.repeated += r->amount;
        return false;
    case SIP_MEDDLE_DELAY:
        return delay(ua, to, text, r->amount);
    case SIP_MEDDLE_PAD:
        return pad(ua, to, text, r->amount);
    case SIP_MEDDLE_HEADER:
        return head(ua, to, text, r->header);
    case SIP_MEDDLE_IGNORE:
        break;
    }
    return false;
}

/* The value of a header as we write it: by its full name, on one line. */
static struct slice own_header(struct slice text, const char *name)
{
    const char *p = memmem(text.p, text.len, name, strlen(name));

    if (!p)
        return SLICE_NONE;
    p += strlen(name);
    const char *end = memchr(p, '\r', text.len - (size_t)(p - text.p));
    return end ? slice_of(p, (size_t)(end - p)) : SLICE_NONE;
}

static struct kind_of own_kind(struct slice text)
{
    struct slice cseq = own_header(text, "\r\nCSeq: "), head, method;
    struct kind_of k = {0};

    if (slice_starts(text, SLICE("SIP/2.0 ")) && text.len > 11)
        k.status = (uint16_t)((text.p[8] - '0') * 100 + (text.p[9] - '0') * 10 + text.p[10] - '0');
    slice_cut(cseq, ' ', &head, &method);
    k.method = method;
    return k;
}

bool sip_meddle_out(struct sip_ua *ua, const struct sip_path *to, struct slice text)
{
    if (ua->meddler->passing)
        return false;
    struct call_rules *c = find_call(ua, own_header(text, "\r\nCall-ID: "));
    struct kind_of k = c ? own_kind(text) : (struct kind_of){0};
    struct sip_meddle *r = find_rule(c, &k, true);
    if (!r)
        return false;
    struct sip_meddle rule = *r;
    use(c, r);
    return carry_out(ua, &rule, to, text);
}

bool sip_meddle_in(struct sip_ua *ua, const struct sip_msg *m)
{
    struct call_rules *c = find_call(ua, m->call_id);
    struct kind_of k = {m->is_request ? 0 : m->status, m->cseq.method_name};
    struct sip_meddle *r = find_rule(c, &k, false);

    if (!r)
        return false;
    use(c, r);
    ua->meddler->stats.ignored++;
    return true;
}

/* ---- a session's own ---- */

enum err sip_session_defy_cancel(struct sip_session *s)
{
    if (!s->incoming || s->answered || s->phase != SIP_PHASE_INVITING)
        return ERR_STATE;
    s->defies_cancel = true;
    return OK;
}

void sip_session_defy_ack(struct sip_session *s)
{
    s->defies_ack = true;
}

bool sip_session_cancel_defied(const struct sip_session *s)
{
    return s->cancel_defied;
}

enum err sip_session_respond(struct sip_session *s, uint16_t code, struct slice phrase,
                             struct slice tag)
{
    struct sip_ua *ua = s->ua;
    const struct sip_msg *m = sip_session_invite(s);
    struct buf b = buf_on(ua->out, sizeof ua->out);

    if (!m)
        return ERR_STATE;
    struct sip_path to = sip_reply_path(m, &s->peer);
    sip_write_response(&b, m, code, phrase, tag.len ? tag : s->first.local_tag, &s->peer.addr);
    sip_write_header(&b, SIP_H_SERVER, slice_cstr(ua->agent));
    sip_write_contact(ua, &b, SLICE_NONE, &to);
    sip_write_end(&b);
    enum err e = buf_end(&b);
    return e == OK ? sip_send(ua, &to, buf_slice(&b)) : e;
}
