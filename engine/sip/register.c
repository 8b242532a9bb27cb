/* Client registration (RFC 3261 10): one REGISTER at a time, refreshed before it runs out, tried
 * again after growing pauses while it fails. */
#include "sip/register.h"

#include "sip/core.h"

#define BACK_OFF_FIRST_MS 2000u
#define BACK_OFF_MAX_MS   300000u
#define EXPIRES_DEFAULT_S 3600
#define TEXT_MAX          900

struct sip_registration {
    struct list_node node;
    struct list txs;
    struct sip_ua *ua;
    struct sip_path to;
    sip_register_fn *changed;
    void *arg;
    struct timer timer; /* refresh, next try, or the end */
    struct timer alive; /* keeps a NAT's way open */
    uint32_t alive_ms;
    struct sip_registration_status status;
    struct slice registrar, aor, user, password, contact_user;
    uint32_t wanted_s, cseq;
    uint8_t auth_tries;
    bool stopping;
    char id[SIP_ID_LEN], tag[SIP_ID_LEN], text[TEXT_MAX];
};

uint32_t sip_registration_size(void)
{
    return sizeof(struct sip_registration);
}

static void on_register(struct sip_tx *tx, uint16_t status, const struct sip_msg *m);
static void on_time(struct timer *t);

static void later(struct sip_registration *r, uint64_t ms)
{
    timer_start(r->ua->wheel, &r->timer, ms, on_time);
}

static void tell(struct sip_registration *r, enum sip_registration_state state)
{
    r->status.state = state;
    if (r->changed)
        r->changed(r->arg, &r->status);
}

static void registration_free(struct sip_registration *r)
{
    timer_stop(r->ua->wheel, &r->timer);
    timer_stop(r->ua->wheel, &r->alive);
    list_each(n, tmp, &r->txs) sip_tx_disown(container_of(n, struct sip_tx, owned));
    list_remove(&r->node);
    explicit_bzero(r->text, sizeof r->text);
    pool_put(&r->ua->registration_pool, r);
}

static void gone(struct sip_registration *r)
{
    sip_register_fn *changed = r->changed;
    struct sip_registration_status status = r->status;
    void *arg = r->arg;

    status.state = SIP_REG_GONE;
    registration_free(r);
    if (changed)
        changed(arg, &status);
}

static void failed(struct sip_registration *r, uint16_t code, uint32_t retry_after_s)
{
    uint32_t n = r->status.attempts, pause = BACK_OFF_MAX_MS;

    if (n < 8)
        pause = BACK_OFF_FIRST_MS << n;
    if (pause > BACK_OFF_MAX_MS)
        pause = BACK_OFF_MAX_MS;
    pause = pause * 3 / 4 + rng_below(&r->ua->rng, pause / 2 + 1);
    if (retry_after_s && retry_after_s < 86400)
        pause = retry_after_s * 1000;
    r->status.code = code;
    r->status.attempts++;
    r->status.retry_ms = pause;
    r->status.expires_s = 0;
    /* The owner is told and says it where a person looks, once. */
    log_debug("sip", "registration failed; it will be tried again",
              "registrar=" SLICE_FMT " aor=" SLICE_FMT " code=%u retry_ms=%u",
              SLICE_ARG(r->registrar), SLICE_ARG(r->aor), code, pause);
    later(r, pause);
    tell(r, SIP_REG_FAILED);
}

static void on_alive(struct timer *t)
{
    struct sip_registration *r = container_of(t, struct sip_registration, alive);
    struct sip_ua *ua = r->ua;

    if (r->status.state == SIP_REG_REGISTERED &&
        ua->wire->send(ua->wire_arg, &r->to, SLICE("\r\n\r\n")) == OK)
        ua->stats.keep_alives++;
    timer_start(ua->wheel, &r->alive, r->alive_ms - rng_below(&ua->rng, r->alive_ms / 5 + 1),
                on_alive);
}

static enum err send_register(struct sip_registration *r)
{
    struct sip_ua *ua = r->ua;
    struct buf b = buf_on(ua->out, sizeof ua->out);
    char branch[SIP_BRANCH_LEN];
    enum err why;

    r->auth_tries = 0;
    sip_new_branch(ua, branch);
    sip_write_request(&b, SLICE("REGISTER"), r->registrar);
    sip_write_own_via(ua, &b, &r->to, slice_of(branch, sizeof branch));
    sip_write_u32(&b, SIP_H_MAX_FORWARDS, 70);
    sip_write_nameaddr(&b, SIP_H_FROM, SLICE_NONE, r->aor, slice_of(r->tag, SIP_ID_LEN));
    sip_write_nameaddr(&b, SIP_H_TO, SLICE_NONE, r->aor, SLICE_NONE);
    sip_write_header(&b, SIP_H_CALL_ID, slice_of(r->id, SIP_ID_LEN));
    sip_write_cseq(&b, ++r->cseq, SLICE("REGISTER"));
    sip_write_contact(ua, &b, r->contact_user, &r->to);
    sip_write_u32(&b, SIP_H_EXPIRES, r->stopping ? 0 : r->wanted_s);
    sip_write_common(ua, &b);
    sip_write_end(&b);
    sip_client_start(ua, SIP_REGISTER, branch, &r->to, &b, on_register, r, &r->txs, &why);
    return why;
}

static void on_time(struct timer *t)
{
    struct sip_registration *r = container_of(t, struct sip_registration, timer);

    if (r->stopping && r->status.state != SIP_REG_REGISTERED)
        gone(r);
    else if (send_register(r) != OK)
        failed(r, 503, 0);
}

/* What was granted: our Contact's own expires, else the header (RFC 3261 10.2.4). */
static uint32_t granted(const struct sip_registration *r, const struct sip_msg *m)
{
    struct sip_nameaddr na;
    struct sip_uri uri;
    struct sip_iter it;
    struct slice value;
    uint32_t s;
    enum err e;

    sip_iter_init(&it, m, SIP_H_CONTACT);
    while ((e = sip_iter_nameaddr(&it, &na)) != ERR_NOT_FOUND) {
        char text[ADDR_TEXT_MAX];
        struct buf b = buf_on(text, sizeof text);
        if (e != OK || sip_uri_parse(na.uri_text, &uri) != OK)
            continue;
        if (uri.host_is_ipv6)
            buf_putc(&b, '[');
        buf_put(&b, uri.host);
        buf_puts(&b, uri.host_is_ipv6 ? "]:" : ":");
        buf_u64(&b, uri.port ? uri.port : 5060);
        if (slice_ieq(buf_slice(&b), sip_home_name(r->ua, &r->to)) &&
            slice_eq(uri.user, r->contact_user) &&
            sip_param_get(na.params, SLICE("expires"), &value) && slice_u32(value, &s) == OK)
            return s;
    }
    if (sip_get_u32(m, SIP_H_EXPIRES, &s) == OK)
        return s;
    return r->wanted_s;
}

static void registered(struct sip_registration *r, const struct sip_msg *m)
{
    uint32_t s = granted(r, m), margin;

    if (!s) { /* a 200 that grants nothing */
        failed(r, m->status, 0);
        return;
    }
    margin = s / 10 < 5 ? (s > 10 ? 5 : s / 2) : s / 10;
    r->status.code = m->status;
    r->status.expires_s = s;
    r->status.attempts = 0;
    r->status.retry_ms = 0;
    later(r, 1000 * (uint64_t)(s - margin));
    tell(r, SIP_REG_REGISTERED);
}

/* 423: as long as the registrar wants, at least (RFC 3261 10.2.8). */
static bool retry_longer(struct sip_registration *r, const struct sip_msg *m)
{
    uint32_t min;

    if (m->status != 423 || sip_get_u32(m, SIP_H_MIN_EXPIRES, &min) != OK || min <= r->wanted_s)
        return false;
    r->wanted_s = min;
    return send_register(r) == OK;
}

static void on_register(struct sip_tx *tx, uint16_t status, const struct sip_msg *m)
{
    struct sip_registration *r = tx->arg;
    struct sip_retry_after retry = {0};

    if (status < 200)
        return;
    if (m && (status == 401 || status == 407) && r->user.len && r->auth_tries < 2) {
        r->auth_tries++;
        if (sip_client_authorize(tx, m, r->user, r->password, &r->cseq))
            return;
    }
    if (r->stopping) {
        r->status.code = status;
        sip_tx_disown(tx);
        gone(r);
    } else if (status < 300) {
        registered(r, m);
    } else if (!m || !retry_longer(r, m)) {
        if (m && sip_get_retry_after(m, &retry) != OK)
            retry.seconds = 0;
        failed(r, status, retry.seconds);
    }
}

static bool keep(struct sip_registration *r, struct buf *b, const char *text, struct slice *out)
{
    size_t at = b->len;

    buf_puts(b, text ? text : "");
    *out = slice_of(r->text + at, b->len - at);
    return buf_end(b) == OK;
}

enum err sip_register_start(struct sip_ua *ua, const struct sip_register *p,
                            sip_register_fn *changed, void *arg, struct sip_registration **out)
{
    struct sip_registration *r = pool_get(&ua->registration_pool);
    struct buf b;
    enum err e = ERR_TOO_LONG;

    if (!r)
        return ERR_FULL;
    r->ua = ua;
    r->to = p->to;
    r->changed = changed;
    r->arg = arg;
    r->wanted_s = p->expires_s ? p->expires_s : EXPIRES_DEFAULT_S;
    list_init(&r->txs);
    timer_init(&r->timer);
    timer_init(&r->alive);
    r->alive_ms = p->keep_alive_ms;
    list_push_back(&ua->registrations, &r->node);
    sip_new_id(ua, r->id);
    sip_new_id(ua, r->tag);
    b = buf_on(r->text, sizeof r->text);
    if (keep(r, &b, p->registrar, &r->registrar) && keep(r, &b, p->aor, &r->aor) &&
        keep(r, &b, p->auth_user, &r->user) && keep(r, &b, p->auth_password, &r->password) &&
        keep(r, &b, p->contact_user, &r->contact_user))
        e = send_register(r);
    if (e != OK) {
        registration_free(r);
        return e;
    }
    if (r->alive_ms)
        timer_start(ua->wheel, &r->alive, r->alive_ms, on_alive);
    *out = r;
    return OK;
}

void sip_register_stop(struct sip_registration *r)
{
    if (r->stopping)
        return;
    r->stopping = true;
    timer_stop(r->ua->wheel, &r->timer);
    list_each(n, tmp, &r->txs) sip_tx_disown(container_of(n, struct sip_tx, owned));
    if (send_register(r) != OK) {
        r->status.state = SIP_REG_FAILED;
        later(r, 0);
    }
}

const struct sip_registration_status *sip_register_status(const struct sip_registration *r)
{
    return &r->status;
}

void sip_register_close(struct sip_ua *ua)
{
    list_each(n, tmp, &ua->registrations)
        registration_free(container_of(n, struct sip_registration, node));
}
