/* What changes something: orders, leads that are stopped, do-not-call lists. Bodies are JSON
 * objects; an empty one is {}. */
#include <stdio.h>
#include <stdlib.h>

#include "api/dnc.h"
#include "api/inner.h"
#include "api/order.h"
#include "queue/stop.h"
#include "report/input.h"

#define WHO "api" /* unless it is told */

/* ---- bodies ---- */

/* *body NULL: it is empty. False: refused. */
static bool read_body(struct api_call *c, struct input **body)
{
    struct slice text = slice_trim(c->request.body);

    *body = text.len ? input_parse(text) : NULL;
    if (!text.len || *body)
        return true;
    api_refuse(c, "400 Bad Request", "the body is no JSON object");
    return false;
}

/* "" when it is not there. False: refused. */
static bool body_text(struct api_call *c, const struct input *body, const char *name, char *dst,
                      size_t cap)
{
    const struct input *value = input_get(body, name);
    const char *text = input_text(value);
    const char *wrong = !value  ? NULL
                        : !text ? "it has to be a text"
                                : order_text_wrong(text, cap - 1);

    if (wrong)
        api_refuse(c, "400 Bad Request", "%s: %s (at most %zu bytes)", name, wrong, cap - 1);
    else
        snprintf(dst, cap, "%s", text ? text : "");
    return !wrong;
}

/* ---- orders ---- */

static void reply_order(struct api_call *c, const struct order_outcome *o)
{
    struct buf out = api_out(c);
    struct json j;

    if (o->answer == CONTROL_REFUSED) {
        api_refuse(c, "409 Conflict",
                   "%s is %s, by %s: its engines end or have ended; resume lets it run again",
                   c->place->about->name, control_state_name(o->now.state), o->now.who);
        return;
    }
    json_init(&j, &out);
    order_json(o, c->place->about->name, &j);
    api_reply(c, "200 OK", &out);
}

static void give(struct api_call *c, enum control_order order, const char *who, const char *why)
{
    struct order_outcome *o = calloc(1, sizeof(*o));

    if (!o)
        api_refuse(c, "503 Service Unavailable", "no memory");
    else if (order_give(&c->place->ask, order, who[0] ? who : WHO, why, o))
        reply_order(c, o);
    else
        api_redis_failed(c, o->given ? "the order is given, but engines could not be asked"
                                     : "the order could not be given");
    free(o);
}

static void order(struct api_call *c, enum control_order order)
{
    char who[CONTROL_WHO_MAX + 1], why[CONTROL_WHY_MAX + 1];
    struct input *body;

    if (!read_body(c, &body))
        return;
    const struct input *now = input_get(body, "now");

    if (now && (!input_is_bool(now) || order != ORDER_STOP))
        api_refuse(c, "400 Bad Request", "now: true and false are accepted, of stop");
    else if (body_text(c, body, "who", who, sizeof(who)) &&
             body_text(c, body, "why", why, sizeof(why)))
        give(c, input_bool(now) ? ORDER_STOP_NOW : order, who, why);
    input_free(body);
}

void api_post_pause(struct api_call *c)
{
    order(c, ORDER_PAUSE);
}

void api_post_resume(struct api_call *c)
{
    order(c, ORDER_RESUME);
}

void api_post_drain(struct api_call *c)
{
    order(c, ORDER_DRAIN);
}

void api_post_stop(struct api_call *c)
{
    order(c, ORDER_STOP);
}

void api_post_reload(struct api_call *c)
{
    order(c, ORDER_RELOAD);
}

/* ---- leads that are stopped ---- */

struct stopping {
    struct ask *ask;
    enum queue_stopped what;
};

static void on_stopped(void *arg, enum err e, enum queue_stopped what)
{
    struct stopping *s = arg;

    s->what = what;
    ask_on_done(s->ask, e);
}

static void reply_stopped(struct api_call *c, enum queue_stopped what)
{
    static const char *const states[] = {
        [STOP_DONE] = "finished", [STOP_FINISHED] = "stopped", [STOP_IN_THE_AIR] = "ending"};
    struct buf out = api_out(c);
    struct json j;

    if (what == STOP_UNKNOWN) {
        api_refuse(c, "404 Not Found", "%s is not in campaign %s", c->part[1],
                   c->place->about->name);
        return;
    }
    json_init(&j, &out);
    json_begin_object(&j, NULL);
    json_cstr(&j, "lead", c->part[1]);
    json_cstr(&j, "state", states[what]);
    json_end(&j);
    api_reply(c, "200 OK", &out);
}

void api_post_lead_stop(struct api_call *c)
{
    struct stopping s = {.ask = &c->place->ask};
    char why[STOP_WHY_MAX + 1];
    struct input *body;

    if (!read_body(c, &body))
        return;
    if (body_text(c, body, "why", why, sizeof(why))) {
        enum err e =
            queue_stop(s.ask->queue, slice_cstr(c->part[1]), slice_cstr(why), on_stopped, &s);

        if (e == ERR_TOO_LONG)
            reply_stopped(c, STOP_UNKNOWN); /* no lead has such an id */
        else if (ask_wait(s.ask, e))
            reply_stopped(c, s.what);
        else
            api_redis_failed(c, "the lead could not be stopped");
    }
    input_free(body);
}

/* ---- do-not-call lists ---- */

struct listing {
    char number[64], list[96], until[32], who[GATE_WHO_MAX + 1], why[GATE_WHY_MAX + 1];
};

static void change(struct api_call *c, const struct listing *l, bool adds)
{
    char digits[NUMBER_E164_MAX], list[GATE_LIST_MAX + 1], says[DNC_SAYS_MAX];
    struct queue_dnc_entry entry = {.who = slice_cstr(l->who[0] ? l->who : WHO),
                                    .why = slice_cstr(l->why)};
    struct buf out = api_out(c);
    bool changed;
    struct json j;

    if (dnc_read_list(slice_cstr(l->list), list, says) != OK) {
        api_refuse(c, "400 Bad Request", "list: %s", says);
        return;
    }
    if (l->until[0] && dnc_read_until(slice_cstr(l->until), &entry.until_wall_ms, says) != OK) {
        api_refuse(c, "400 Bad Request", "until: %s", says);
        return;
    }
    if (dnc_read_number(slice_cstr(l->number), NULL, digits, &entry, says) != OK) {
        api_refuse(c, "400 Bad Request", "number: %s", says);
        return;
    }
    entry.list = slice_cstr(list);
    if (!dnc_change(&c->place->ask, &entry, adds, &changed)) {
        if (c->place->ask.e == ERR_FULL)
            api_refuse(c, "409 Conflict",
                       "the list takes no more: it has %d prefixes at most, and there are %d lists "
                       "at most",
                       DNC_PREFIXES_MAX, DNC_LISTS_MAX);
        else
            api_redis_failed(c, "the list could not be changed; ask again");
        return;
    }
    json_init(&j, &out);
    json_begin_object(&j, NULL);
    json_cstr(&j, "number", l->number);
    json_cstr(&j, "list", l->list);
    json_bool(&j, "changed", changed);
    json_end(&j);
    api_reply(c, "200 OK", &out);
}

void api_post_dnc(struct api_call *c)
{
    struct listing l;
    struct input *body;

    if (!read_body(c, &body))
        return;
    if (body_text(c, body, "number", l.number, sizeof(l.number)) &&
        body_text(c, body, "list", l.list, sizeof(l.list)) &&
        body_text(c, body, "until", l.until, sizeof(l.until)) &&
        body_text(c, body, "who", l.who, sizeof(l.who)) &&
        body_text(c, body, "why", l.why, sizeof(l.why)))
        change(c, &l, true);
    input_free(body);
}

const char *const api_dnc_query[] = {"list", "who", "why", NULL};

void api_delete_dnc(struct api_call *c)
{
    struct listing l = {0};

    snprintf(l.number, sizeof(l.number), "%.63s", c->part[0]);
    if (api_value(c, "list", l.list, sizeof(l.list)) && api_value(c, "who", l.who, sizeof(l.who)) &&
        api_value(c, "why", l.why, sizeof(l.why)))
        change(c, &l, false);
}

void api_get_dnc(struct api_call *c)
{
    char digits[NUMBER_E164_MAX], says[DNC_SAYS_MAX];
    struct queue_dnc_entry entry = {0};
    struct buf out = api_out(c);
    struct json j;

    if (dnc_read_number(slice_cstr(c->part[0]), NULL, digits, &entry, says) != OK || entry.prefix) {
        api_refuse(c, "400 Bad Request", "%s",
                   entry.prefix ? "a whole number is looked up, no prefix" : says);
        return;
    }
    struct dnc_found *f = dnc_look_up(&c->place->ask, digits);

    if (f) {
        json_init(&j, &out);
        dnc_found_json(f, &j);
        api_reply(c, "200 OK", &out);
    } else {
        api_redis_failed(c, "the number could not be looked up");
    }
    free(f);
}
