/* Two user agents of ours against each other: hundreds of calls over real UDP and TCP in one
 * process, and thousands over a virtual wire that loses, doubles and delays messages. However bad
 * the wire, each call ends once on each side, and everything goes back to its pool. */
#include <criterion/criterion.h>
#include <stdio.h>
#include <stdlib.h>

#include "base/rng.h"
#include "io/loop.h"
#include "sip/session.h"

#define SDP "v=0\r\no=- 1 1 IN IP4 127.0.0.1\r\ns=-\r\nt=0 0\r\nm=audio 4000 RTP/AVP 8\r\n"

struct side {
    struct sip_ua *ua;
    struct wheel *wheel;
    struct rng rng;
    uint32_t made, incoming, answered, ended, by_network, offers, answers, reliable;
    uint32_t codes[700];
    bool wild; /* draws what it does */
};

struct leg {
    struct side *side;
    struct sip_session *s;
    struct timer timer;
    bool ended, offered;
};

static void on_end(struct timer *t)
{
    sip_session_end(container_of(t, struct leg, timer)->s, 16, NULL);
}

static void on_accept(struct timer *t)
{
    struct leg *l = container_of(t, struct leg, timer);

    if (l->side->wild && rng_below(&l->side->rng, 5) == 0)
        sip_session_reject(l->s, 486, NULL, 17, NULL);
    else
        cr_assert_eq(sip_session_accept(l->s, SLICE(SDP)), OK);
}

static void on_leg(void *arg, struct sip_session *s, const struct sip_event *e)
{
    struct leg *l = arg;
    struct side *me = l->side;

    cr_assert_not(l->ended, "an event after the end");
    me->reliable += e->reliable;
    switch (e->kind) {
    case SIP_EV_PROGRESS:
        if (e->sdp_is_offer)
            sip_session_answer(s, SLICE(SDP));
        else if (me->wild && e->code >= 180 && rng_below(&me->rng, 6) == 0)
            sip_session_end(s, 0, NULL);
        break;
    case SIP_EV_ANSWERED:
        if (e->sdp_is_offer)
            cr_assert_eq(sip_session_answer(s, SLICE(SDP)), OK);
        me->answered++;
        timer_start(me->wheel, &l->timer, me->wild ? rng_below(&me->rng, 3000) : 20, on_end);
        if (me->wild && rng_below(&me->rng, 2))
            sip_session_offer(s, SLICE(SDP));
        break;
    case SIP_EV_CONFIRMED:
        me->answered++;
        if (me->wild && rng_below(&me->rng, 2))
            sip_session_offer(s, SLICE(SDP));
        break;
    case SIP_EV_OFFER:
        me->offers++;
        sip_session_answer(s, SLICE(SDP));
        break;
    case SIP_EV_ANSWER:
        me->answers++;
        break;
    case SIP_EV_OFFER_REFUSED:
    case SIP_EV_DIGIT:
    case SIP_EV_REFER:
    case SIP_EV_REFER_ANSWERED:
    case SIP_EV_NOTIFIED:
        break;
    case SIP_EV_ENDED:
        l->ended = true;
        me->ended++;
        me->by_network += e->by == SIP_BY_NETWORK;
        if (e->code < 700)
            me->codes[e->code]++;
        timer_stop(me->wheel, &l->timer);
        sip_session_release(s);
        free(l);
        break;
    }
}

static void on_incoming(void *arg, struct sip_session *s)
{
    struct side *me = arg;
    struct leg *l = calloc(1, sizeof *l);

    l->side = me;
    l->s = s;
    timer_init(&l->timer);
    me->incoming++;
    sip_session_set_handler(s, on_leg, l);
    bool early = me->wild && rng_below(&me->rng, 2) && sip_session_invite_sdp(s).len;
    sip_session_progress(s, early ? 183 : 180, early ? SLICE(SDP) : SLICE_NONE, me->wild);
    timer_start(me->wheel, &l->timer, me->wild ? rng_below(&me->rng, 2000) : 10, on_accept);
}

static void call(struct side *me, const struct sip_path *to, const char *headers, bool late)
{
    struct sip_invite p = {.request_uri = "sip:+12025550100@127.0.0.1",
                           .from_uri = "sip:+12025550111@127.0.0.1",
                           .to = *to,
                           .headers = headers,
                           .sdp = late ? SLICE_NONE : SLICE(SDP)};
    struct leg *l = calloc(1, sizeof *l);

    l->side = me;
    timer_init(&l->timer);
    cr_assert_eq(sip_invite(me->ua, &p, on_leg, l, &l->s), OK);
    me->made++;
}

static void all_whole(struct side *me)
{
    const struct sip_ua_stats *s = sip_ua_stats(me->ua);

    cr_assert_eq(s->sessions, 0, "%u sessions left", s->sessions);
    cr_assert_eq(s->transactions, 0, "%u transactions left", s->transactions);
    cr_assert_eq(s->dialogs, 0);
    cr_assert_eq(s->buffers, 0, "%u buffers left", s->buffers);
    cr_assert_eq(s->malformed, 0);
}

/* ---- real sockets ---- */

static void real_calls(bool tcp, const char *headers, uint32_t calls)
{
    struct loop loop;
    struct side a = {0}, b = {0};
    struct sip_ua_config c = {.tcp = true, .max_sessions = 1024, .incoming = on_incoming};
    struct sip_path to = {.tcp = tcp};

    cr_assert_eq(loop_init(&loop, NULL), OK);
    cr_assert_eq(addr_parse(SLICE("127.0.0.1"), 0, &c.local), OK);
    a.wheel = b.wheel = &loop.wheel;
    c.arg = &a;
    cr_assert_eq(sip_ua_open(&a.ua, &loop, &c), OK);
    c.arg = &b;
    cr_assert_eq(sip_ua_open(&b.ua, &loop, &c), OK);
    to.addr = *sip_ua_local(b.ua);
    uint64_t limit = clock_ms(loop.clock) + 30000;
    while ((a.ended < calls || b.ended < calls) && clock_ms(loop.clock) < limit) {
        for (int i = 0; i < 10 && a.made < calls; i++)
            call(&a, &to, headers, a.made % 3 == 0);
        loop_turn(&loop, 5000);
    }
    cr_assert_eq(a.ended, calls);
    cr_assert_eq(b.ended, calls);
    cr_assert_eq(a.answered, calls);
    cr_assert_eq(b.answered, calls);
    cr_assert_eq(a.codes[0], calls);
    cr_assert_eq(sip_ua_stats(a.ua)->moved_to_tcp, headers ? calls : 0);
    cr_assert_eq(sip_ua_stats(a.ua)->malformed + sip_ua_stats(b.ua)->malformed, 0);
    sip_ua_close(a.ua);
    sip_ua_close(b.ua);
    for (int i = 0; i < 20; i++)
        loop_turn(&loop, 1000);
    loop_fini(&loop);
}

Test(real, hundreds_of_calls_on_udp)
{
    real_calls(false, NULL, 500);
}
Test(real, hundreds_of_calls_on_tcp)
{
    real_calls(true, NULL, 500);
}

Test(real, long_requests_go_over_tcp)
{
    static char headers[1600] = "X-Long: ";

    memset(headers + 8, 'x', 1400);
    strcpy(headers + 1408, "\r\n");
    real_calls(false, headers, 100);
}

Test(real, nobody_listening_on_tcp_is_a_failure_of_the_network)
{
    struct loop loop;
    struct side a = {0};
    struct sip_ua_config c = {.tcp = true, .incoming = on_incoming, .arg = &a};
    struct sip_path to = {.tcp = true};

    cr_assert_eq(loop_init(&loop, NULL), OK);
    addr_parse(SLICE("127.0.0.1"), 0, &c.local);
    a.wheel = &loop.wheel;
    cr_assert_eq(sip_ua_open(&a.ua, &loop, &c), OK);
    cr_assert_eq(addr_parse(SLICE("127.0.0.1:1"), 0, &to.addr), OK);
    call(&a, &to, NULL, false);
    uint64_t limit = clock_ms(loop.clock) + 10000;
    while (!a.ended && clock_ms(loop.clock) < limit)
        loop_turn(&loop, 10000);
    cr_assert_eq(a.codes[503], 1);
    cr_assert_eq(a.by_network, 1);
    sip_ua_close(a.ua);
    for (int i = 0; i < 20; i++)
        loop_turn(&loop, 1000);
    loop_fini(&loop);
}

/* ---- a bad virtual wire ---- */

#define FLYING_MAX 20000

struct flying {
    uint64_t due_ms;
    bool to_b;
    uint32_t len;
    char text[2048];
};

struct bad_wire {
    struct wheel wheel;
    struct clock clock;
    struct rng rng;
    struct side a, b;
    struct sip_path at_a, at_b;
    struct flying *flying;
    uint32_t nflying, lost;
    uint32_t lose_percent, delay_ms;
};

static void put_up(struct bad_wire *w, bool to_b, struct slice data)
{
    cr_assert_lt(w->nflying, FLYING_MAX);
    cr_assert_lt(data.len, sizeof w->flying->text);
    struct flying *f = &w->flying[w->nflying++];
    f->due_ms = w->wheel.now_ms + 1 + (w->delay_ms ? rng_below(&w->rng, w->delay_ms) : 0);
    f->to_b = to_b;
    f->len = data.len;
    memcpy(f->text, data.p, data.len);
}

static enum err fly(void *arg, const struct sip_path *to, struct slice data)
{
    struct bad_wire *w = arg;

    if (rng_below(&w->rng, 100) < w->lose_percent) {
        w->lost++;
        return OK;
    }
    put_up(w, addr_eq(&to->addr, &w->at_b.addr), data);
    if (w->lose_percent && rng_below(&w->rng, 20) == 0)
        put_up(w, addr_eq(&to->addr, &w->at_b.addr), data);
    return OK;
}

static void land(struct bad_wire *w)
{
    for (uint32_t i = 0; i < w->nflying;) {
        if (w->flying[i].due_ms > w->wheel.now_ms) {
            i++;
            continue;
        }
        struct flying f = w->flying[i];
        w->flying[i] = w->flying[--w->nflying];
        sip_ua_receive(f.to_b ? w->b.ua : w->a.ua, f.to_b ? &w->at_a : &w->at_b, f.text, f.len);
    }
}

static void step(struct bad_wire *w)
{
    clock_advance_us(&w->clock, 1000);
    wheel_advance(&w->wheel, w->wheel.now_ms + 1);
    land(w);
}

static struct bad_wire *bad_wire(uint64_t seed, uint32_t lose_percent, uint32_t delay_ms)
{
    static const struct sip_wire wire = {.send = fly};
    struct bad_wire *w = calloc(1, sizeof *w);
    struct sip_ua_config c = {.max_sessions = 512, .incoming = on_incoming};

    w->flying = calloc(FLYING_MAX, sizeof *w->flying);
    w->lose_percent = lose_percent;
    w->delay_ms = delay_ms;
    rng_seed(&w->rng, seed);
    rng_seed(&w->a.rng, seed + 1);
    rng_seed(&w->b.rng, seed + 2);
    clock_init_virtual(&w->clock, 1000000, 0);
    wheel_init(&w->wheel, 1000);
    w->a.wheel = w->b.wheel = &w->wheel;
    w->a.wild = w->b.wild = true;
    addr_parse(SLICE("127.0.0.1:5060"), 0, &w->at_a.addr);
    addr_parse(SLICE("127.0.0.2:5060"), 0, &w->at_b.addr);
    c.local = w->at_a.addr;
    c.seed = seed;
    c.arg = &w->a;
    cr_assert_eq(sip_ua_open_on(&w->a.ua, &w->wheel, &w->clock, &wire, w, &c), OK);
    c.local = w->at_b.addr;
    c.seed = seed + 9;
    c.arg = &w->b;
    cr_assert_eq(sip_ua_open_on(&w->b.ua, &w->wheel, &w->clock, &wire, w, &c), OK);
    return w;
}

static void wild_calls(uint64_t seed, uint32_t lose_percent, uint32_t delay_ms)
{
    struct bad_wire *w = bad_wire(seed, lose_percent, delay_ms);

    while (w->a.made < 300) {
        call(&w->a, &w->at_b, NULL, rng_below(&w->rng, 3) == 0);
        if (rng_below(&w->rng, 4) == 0)
            call(&w->b, &w->at_a, NULL, false);
        for (int i = 0; i < 40; i++)
            step(w);
    }
    for (int i = 0; i < 260000; i++)
        step(w);
    cr_assert_eq(w->a.ended, w->a.made + w->a.incoming);
    cr_assert_eq(w->b.ended, w->b.made + w->b.incoming);
    cr_assert_gt(w->a.answered, 100);
    cr_assert_gt(w->a.answers + w->b.answers, 50);
    if (lose_percent)
        cr_assert_gt(w->lost, 100);
    else
        cr_assert_eq(w->a.by_network + w->b.by_network, 0);
    all_whole(&w->a);
    all_whole(&w->b);
    cr_assert_eq(w->wheel.count, 0);
    sip_ua_close(w->a.ua);
    sip_ua_close(w->b.ua);
    free(w->flying);
    free(w);
}

Test(virtual, calls_of_all_kinds_on_a_good_wire)
{
    wild_calls(1, 0, 0);
}
Test(virtual, messages_overtake_each_other)
{
    wild_calls(2, 0, 60);
}
Test(virtual, one_in_ten_is_lost_some_come_twice)
{
    wild_calls(3, 10, 40);
}
Test(virtual, every_third_is_lost)
{
    wild_calls(4, 33, 100);
}
