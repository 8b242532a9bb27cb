#include "api/order.h"

#include "api/view.h"

struct ordering {
    struct ask *ask;
    struct order_outcome *out;
    bool waiting;
};

static void on_ordered(void *arg, enum err e, enum control_answer a, const struct queue_control *c)
{
    struct ordering *o = arg;

    ask_on_done(o->ask, e);
    o->out->answer = a;
    o->out->now = *c;
}

static bool has_answered(const struct order_outcome *o, const struct queue_engine_told *t)
{
    return t->version >= o->now.version;
}

static void on_engines(void *arg, enum err e, const struct queue_engine_told *engine, uint32_t n,
                       uint64_t now_wall_ms)
{
    struct ordering *o = arg;

    (void)now_wall_ms;
    ask_on_done(o->ask, e);
    o->out->engines = 0;
    o->waiting = false;
    for (uint32_t i = 0; i < n; i++) {
        if (engine[i].gone)
            continue;
        o->out->engine[o->out->engines++] = engine[i];
        o->waiting = o->waiting || !has_answered(o->out, &engine[i]);
    }
}

/* Engines that end may be gone before they are asked; who is there has told, or not. */
static bool hear_engines(struct ordering *o)
{
    uint64_t until = clock_ms(o->ask->loop->clock) + ORDER_FOLLOW_MS;

    for (;;) {
        if (!ask_wait(o->ask, queue_engines(o->ask->queue, on_engines, o)))
            return false;
        if (!o->waiting || clock_ms(o->ask->loop->clock) > until)
            return true;
        for (int i = 0; i < 20; i++)
            loop_turn(o->ask->loop, 5000);
    }
}

bool order_give(struct ask *a, enum control_order order, const char *who, const char *why,
                struct order_outcome *out)
{
    struct ordering o = {.ask = a, .out = out};

    *out = (struct order_outcome){0};
    out->given = ask_wait(
        a, queue_control_order(a->queue, order, slice_cstr(who), slice_cstr(why), on_ordered, &o));
    return out->given && (out->answer != CONTROL_CHANGED || hear_engines(&o));
}

bool order_is_followed(const struct order_outcome *o)
{
    for (uint32_t i = 0; i < o->engines; i++)
        if (!has_answered(o, &o->engine[i]) || !o->engine[i].followed)
            return false;
    return true;
}

void order_json(const struct order_outcome *o, const char *campaign, struct json *j)
{
    static const char *const answers[] = {[CONTROL_CHANGED] = "changed",
                                          [CONTROL_ALREADY] = "already",
                                          [CONTROL_REFUSED] = "refused"};

    json_begin_object(j, NULL);
    json_cstr(j, "campaign", campaign);
    json_cstr(j, "answer", answers[o->answer]);
    view_put_state(j, &o->now);
    json_begin_array(j, "engines");
    for (uint32_t i = 0; i < o->engines; i++) {
        const struct queue_engine_told *t = &o->engine[i];
        bool answered = has_answered(o, t);

        json_begin_object(j, NULL);
        json_cstr(j, "name", t->name);
        json_bool(j, "followed", answered && t->followed);
        json_cstr(j, "sentence", answered ? t->sentence : NULL);
        json_end(j);
    }
    json_end(j);
    json_end(j);
}

const char *order_text_wrong(const char *text, size_t most)
{
    for (const char *p = text; *p; p++)
        if ((unsigned char)*p < 0x20)
            return "it has to be on one line";
    return strlen(text) > most ? "it is too long" : NULL;
}
