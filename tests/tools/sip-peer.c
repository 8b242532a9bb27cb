/* sip-peer: the user agent of engine/sip as a program, for tests against peers that others wrote.
 *
 *   sip-peer uas --listen 127.0.0.1:0 --ring-ms 50 --early --reliable --calls 10
 *   sip-peer uac --to 127.0.0.1:5080 --calls 100 --rate 50 --talk-ms 200 --hold
 *
 * Fixed session descriptions, no media. Prints one JSON object a line: {"ready":…} with its
 * address, one for each call that ended, {"summary":…} with the counters at the end. Exit code 0
 * when all calls ended, 1 when the time ran out first, 2 for wrong use. */
#include <getopt.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>

#include "base/json.h"
#include "io/loop.h"
#include "sip/register.h"
#include "sip/session.h"

#define CALLS_MAX 100000
#define SDP(port, extra)                                                                           \
    "v=0\r\no=peal 1 1 IN IP4 127.0.0.1\r\ns=-\r\nc=IN IP4 127.0.0.1\r\nt=0 0\r\nm=audio " port    \
    " RTP/AVP 8 101\r\na=rtpmap:8 PCMA/8000\r\na=rtpmap:101 telephone-event/8000\r\n" extra

#define PLAIN_SDP SLICE(SDP("40000", "a=sendrecv\r\n"))
#define HELD_SDP  SLICE(SDP("40000", "a=sendonly\r\n"))

struct options {
    bool uac, tcp, early, reliable, late_offer, hold, update, hang_up;
    const char *listen, *to, *user, *password, *number, *registrar;
    uint32_t ring_ms, talk_ms, cancel_ms, calls, rate, seconds, code, t1_ms, expires_s;
};

struct call {
    struct sip_session *s;
    struct timer timer;
    uint32_t number, offers_in, answers_in, refused, progress, reliable, forks;
    uint16_t last_progress;
    uint8_t step;
    bool answered, early_sdp, confirmed;
};

static struct {
    struct options o;
    struct loop loop;
    struct sip_ua *ua;
    struct sip_registration *registration;
    struct timer pace, limit;
    struct call *calls;
    uint32_t started, ended, answered, not_made;
    bool late;
} me;

static void put_line(struct buf *b)
{
    buf_putc(b, '\n');
    fwrite(b->p, 1, b->len, stdout);
    fflush(stdout);
}

static void tell_ended(const struct call *c, const struct sip_event *e)
{
    static const char *const by[] = {"us", "far side", "network"};
    char text[1024];
    struct buf b = buf_on(text, sizeof text - 1);
    struct json j;

    json_init(&j, &b);
    json_begin_object(&j, NULL);
    json_u64(&j, "call", c->number);
    json_bool(&j, "answered", c->answered);
    json_u64(&j, "code", e->code);
    json_cstr(&j, "by", by[e->by]);
    json_u64(&j, "q850", e->q850);
    json_str(&j, "reason", e->reason_phrase);
    json_u64(&j, "progress", c->progress);
    json_u64(&j, "last_progress", c->last_progress);
    json_u64(&j, "reliable", c->reliable);
    json_bool(&j, "early_sdp", c->early_sdp);
    json_u64(&j, "offers", c->offers_in);
    json_u64(&j, "answers", c->answers_in);
    json_u64(&j, "refused", c->refused);
    json_end(&j);
    put_line(&b);
}

static void all_ended(struct timer *t)
{
    (void)t;
    loop_stop(&me.loop);
}

static void later(struct call *c, uint32_t ms, timer_fn *fn)
{
    loop_timer(&me.loop, &c->timer, ms, fn);
}

/* What is done while the call is up: hold, back, hang up. */
static void on_talk(struct timer *t)
{
    struct call *c = container_of(t, struct call, timer);

    if (me.o.hold && c->step < 2) {
        c->step++;
        if (sip_session_offer(c->s, c->step == 1 ? HELD_SDP : PLAIN_SDP) == OK)
            return; /* goes on when it is answered */
    }
    if (me.o.hang_up)
        sip_session_end(c->s, 16, NULL);
}

static void talking(struct call *c)
{
    if (me.o.hang_up || (me.o.hold && c->step < 2))
        later(c, me.o.talk_ms, on_talk);
}

static void on_cancel(struct timer *t)
{
    sip_session_end(container_of(t, struct call, timer)->s, 0, NULL);
}

static void ended(struct call *c, const struct sip_event *e)
{
    tell_ended(c, e);
    loop_timer_stop(&me.loop, &c->timer);
    sip_session_release(c->s);
    c->s = NULL;
    if (++me.ended >= me.o.calls) /* leave some time for what is still under way */
        loop_timer(&me.loop, &me.limit, 300, all_ended);
}

static void progress(struct call *c, const struct sip_event *e)
{
    if (e->code > 100) {
        c->progress++;
        c->last_progress = e->code;
    }
    c->reliable += e->reliable;
    c->early_sdp = c->early_sdp || e->sdp.len;
    if (e->sdp_is_offer)
        sip_session_answer(c->s, PLAIN_SDP);
    if (me.o.cancel_ms && !timer_running(&c->timer))
        later(c, me.o.cancel_ms, on_cancel);
}

static void on_event(void *arg, struct sip_session *s, const struct sip_event *e)
{
    struct call *c = arg;

    switch (e->kind) {
    case SIP_EV_PROGRESS:
        progress(c, e);
        break;
    case SIP_EV_ANSWERED:
        loop_timer_stop(&me.loop, &c->timer);
        c->answered = true;
        me.answered++;
        if (e->sdp_is_offer)
            sip_session_answer(s, PLAIN_SDP);
        talking(c);
        break;
    case SIP_EV_CONFIRMED:
        c->answered = true;
        me.answered++;
        talking(c);
        break;
    case SIP_EV_OFFER:
        c->offers_in++;
        sip_session_answer(s, PLAIN_SDP);
        break;
    case SIP_EV_ANSWER:
        c->answers_in++;
        talking(c);
        break;
    case SIP_EV_OFFER_REFUSED:
    case SIP_EV_DIGIT:
    case SIP_EV_REFER:
    case SIP_EV_REFER_ANSWERED:
    case SIP_EV_NOTIFIED:
        c->refused++;
        talking(c);
        break;
    case SIP_EV_ENDED:
        ended(c, e);
        break;
    }
}

/* ---- called ---- */

static void on_answer(struct timer *t)
{
    struct call *c = container_of(t, struct call, timer);

    if (me.o.code)
        sip_session_reject(c->s, (uint16_t)me.o.code, NULL, me.o.code == 486 ? 17 : 0, NULL);
    else
        sip_session_accept(c->s, PLAIN_SDP);
}

static void on_incoming(void *arg, struct sip_session *s)
{
    struct call *c;

    (void)arg;
    if (me.started >= me.o.calls) {
        sip_session_reject(s, 480, NULL, 0, NULL);
        sip_session_release(s);
        return;
    }
    c = &me.calls[me.started];
    c->number = me.started++;
    c->s = s;
    timer_init(&c->timer);
    sip_session_set_handler(s, on_event, c);
    if (me.o.early)
        sip_session_progress(s, 183, PLAIN_SDP, me.o.reliable);
    else
        sip_session_progress(s, 180, SLICE_NONE, me.o.reliable);
    later(c, me.o.ring_ms, on_answer);
}

/* ---- calling ---- */

static void call_one(void)
{
    struct call *c = &me.calls[me.started];
    char uri[160], from[160], host[ADDR_TEXT_MAX];
    struct sip_invite p = {.request_uri = uri,
                           .from_uri = from,
                           .contact_user = "peal",
                           .auth_user = me.o.user,
                           .auth_password = me.o.password,
                           .sdp = me.o.late_offer ? SLICE_NONE : PLAIN_SDP,
                           .session_expires_s = me.o.expires_s,
                           .no_100rel = !me.o.reliable};

    if (addr_parse(slice_cstr(me.o.to), 5060, &p.to.addr) != OK)
        return;
    p.to.tcp = me.o.tcp;
    snprintf(uri, sizeof uri, "sip:%s@%s%s", me.o.number, me.o.to,
             me.o.tcp ? ";transport=tcp" : "");
    snprintf(from, sizeof from, "sip:+12025550111@%s",
             addr_format(sip_ua_local(me.ua), host, sizeof host));
    c->number = me.started++;
    timer_init(&c->timer);
    if (sip_invite(me.ua, &p, on_event, c, &c->s) != OK) {
        me.not_made++;
        me.ended++;
    }
}

static void on_pace(struct timer *t)
{
    uint32_t each = me.o.rate > 100 ? me.o.rate / 100 : 1;
    uint32_t pause = me.o.rate > 100 ? 10 : 1000 / (me.o.rate ? me.o.rate : 1);

    (void)t;
    for (uint32_t i = 0; i < each && me.started < me.o.calls; i++)
        call_one();
    if (me.started < me.o.calls)
        loop_timer(&me.loop, &me.pace, pause, on_pace);
}

static void on_registered(void *arg, const struct sip_registration_status *s)
{
    static const char *const names[] = {"trying", "registered", "failed", "gone"};

    (void)arg;
    printf("{\"registration\":\"%s\",\"code\":%u,\"expires_s\":%u}\n", names[s->state], s->code,
           s->expires_s);
    fflush(stdout);
    if (s->state == SIP_REG_REGISTERED && !me.o.calls)
        sip_register_stop(me.registration);
    if (s->state == SIP_REG_GONE)
        loop_stop(&me.loop);
}

static void register_us(void)
{
    char registrar[128], aor[160];
    struct sip_register p = {.registrar = registrar,
                             .aor = aor,
                             .contact_user = me.o.user,
                             .auth_user = me.o.user,
                             .auth_password = me.o.password,
                             .expires_s = 600};

    if (addr_parse(slice_cstr(me.o.registrar), 5060, &p.to.addr) != OK)
        return;
    p.to.tcp = me.o.tcp;
    snprintf(registrar, sizeof registrar, "sip:%s", me.o.registrar);
    snprintf(aor, sizeof aor, "sip:%s@%s", me.o.user ? me.o.user : "peal", me.o.registrar);
    sip_register_start(me.ua, &p, on_registered, NULL, &me.registration);
}

/* ---- program ---- */

static void tell_summary(void)
{
    const struct sip_ua_stats *s = sip_ua_stats(me.ua);
    char text[2048];
    struct buf b = buf_on(text, sizeof text - 1);
    struct json j;

    json_init(&j, &b);
    json_begin_object(&j, NULL);
    json_begin_object(&j, "summary");
    json_u64(&j, "calls", me.started);
    json_u64(&j, "ended", me.ended);
    json_u64(&j, "answered", me.answered);
    json_u64(&j, "not_made", me.not_made);
    json_u64(&j, "received", s->received);
    json_u64(&j, "sent", s->sent);
    json_u64(&j, "retransmitted", s->retransmitted);
    json_u64(&j, "absorbed", s->absorbed);
    json_u64(&j, "malformed", s->malformed);
    json_u64(&j, "unmatched_requests", s->unmatched_requests);
    json_u64(&j, "unmatched_responses", s->unmatched_responses);
    json_u64(&j, "timeouts", s->timeouts);
    json_u64(&j, "send_failed", s->send_failed);
    json_u64(&j, "auth_retries", s->auth_retries);
    json_u64(&j, "sessions", s->sessions);
    json_end(&j);
    json_end(&j);
    put_line(&b);
}

static void out_of_time(struct timer *t)
{
    (void)t;
    me.late = true;
    loop_stop(&me.loop);
}

static int usage(void)
{
    fputs("usage: sip-peer uac|uas [--listen ADDR] [--to ADDR] [--tcp] [--calls N] [--rate N]\n"
          "  [--ring-ms N] [--talk-ms N] [--hang-up] [--cancel-ms N] [--code N] [--early]\n"
          "  [--reliable] [--late-offer] [--hold] [--user U] [--password P] [--number N]\n"
          "  [--register ADDR] [--expires S] [--seconds N] [--t1-ms N]\n",
          stderr);
    return 2;
}

static bool read_options(int argc, char **argv)
{
    enum { U = 256 };
    static const struct option names[] = {
        {"listen", 1, NULL, U},          {"to", 1, NULL, U + 1},
        {"tcp", 0, NULL, U + 2},         {"calls", 1, NULL, U + 3},
        {"rate", 1, NULL, U + 4},        {"ring-ms", 1, NULL, U + 5},
        {"talk-ms", 1, NULL, U + 6},     {"hang-up", 0, NULL, U + 7},
        {"cancel-ms", 1, NULL, U + 8},   {"code", 1, NULL, U + 9},
        {"early", 0, NULL, U + 10},      {"reliable", 0, NULL, U + 11},
        {"late-offer", 0, NULL, U + 12}, {"hold", 0, NULL, U + 13},
        {"user", 1, NULL, U + 14},       {"password", 1, NULL, U + 15},
        {"number", 1, NULL, U + 16},     {"seconds", 1, NULL, U + 17},
        {"t1-ms", 1, NULL, U + 18},      {"expires", 1, NULL, U + 19},
        {"register", 1, NULL, U + 20},   {NULL, 0, NULL, 0}};
    struct options *o = &me.o;
    uint32_t *const numbers[] = {[3] = &o->calls,    [4] = &o->rate,      [5] = &o->ring_ms,
                                 [6] = &o->talk_ms,  [8] = &o->cancel_ms, [9] = &o->code,
                                 [17] = &o->seconds, [18] = &o->t1_ms,    [19] = &o->expires_s};
    const char **const texts[] = {[0] = &o->listen,    [1] = &o->to,      [14] = &o->user,
                                  [15] = &o->password, [16] = &o->number, [20] = &o->registrar};
    bool *const flags[] = {[2] = &o->tcp,       [7] = &o->hang_up,     [10] = &o->early,
                           [11] = &o->reliable, [12] = &o->late_offer, [13] = &o->hold};
    int c;

    *o = (struct options){.listen = "127.0.0.1:0",
                          .number = "+12025550100",
                          .calls = 1,
                          .rate = 10,
                          .talk_ms = 100,
                          .seconds = 60};
    if (argc < 2 || (strcmp(argv[1], "uac") && strcmp(argv[1], "uas")))
        return false;
    o->uac = !strcmp(argv[1], "uac");
    o->hang_up = o->uac;
    while ((c = getopt_long(argc - 1, argv + 1, "", names, NULL)) >= U) {
        int i = c - U;
        if (i < (int)(sizeof numbers / sizeof numbers[0]) && numbers[i]) {
            if (slice_u32(slice_cstr(optarg), numbers[i]) != OK)
                return false;
        } else if (i < (int)(sizeof texts / sizeof texts[0]) && texts[i]) {
            *texts[i] = optarg;
        } else {
            *flags[i] = true;
        }
    }
    return c == -1 && o->calls <= CALLS_MAX && (!o->uac || o->to || o->registrar);
}

int main(int argc, char **argv)
{
    struct sip_ua_config config = {.max_sessions = 8192, .incoming = on_incoming};
    char text[ADDR_TEXT_MAX];
    enum err e;

    if (!read_options(argc, argv))
        return usage();
    signal(SIGPIPE, SIG_IGN);
    config.tcp = true;
    config.t1_ms = me.o.t1_ms;
    me.calls = calloc(me.o.calls + 1, sizeof *me.calls);
    if (!me.calls || addr_parse(slice_cstr(me.o.listen), 5060, &config.local) != OK)
        return usage();
    timer_init(&me.pace);
    timer_init(&me.limit);
    e = loop_init(&me.loop, NULL);
    if (e == OK)
        e = sip_ua_open(&me.ua, &me.loop, &config);
    if (e != OK) {
        fprintf(stderr, "sip-peer: cannot listen on %s: %s\n", me.o.listen, err_name(e));
        return 2;
    }
    printf("{\"ready\":\"%s\"}\n", addr_format(sip_ua_local(me.ua), text, sizeof text));
    fflush(stdout);
    loop_timer(&me.loop, &me.limit, me.o.seconds * 1000ull, out_of_time);
    if (me.o.registrar)
        register_us();
    if (me.o.uac && me.o.to)
        loop_timer(&me.loop, &me.pace, 0, on_pace);
    loop_run(&me.loop);
    tell_summary();
    sip_ua_close(me.ua);
    loop_turn(&me.loop, 1000);
    loop_fini(&me.loop);
    free(me.calls);
    return me.late ? 1 : 0;
}
