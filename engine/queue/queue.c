/* A queue: its connection and its name, from its opening to its end. */
#include <assert.h>
#include <hiredis/hiredis.h>
#include <stdio.h>
#include <stdlib.h>

#include "base/log.h"
#include "base/rng.h"
#include "queue/internal.h"

#define LEASE_DEFAULT_MS 60000

void queue_say(struct queue *q, const char *what, const char *detail)
{
    snprintf(q->error, sizeof(q->error), "%s%s%.180s", what, detail[0] ? ": " : "", detail);
}

/* --- connection ------------------------------------------------------------------------------- */

static void on_state(void *arg, bool up, const char *why)
{
    struct queue *q = arg;

    if (up) {
        q->error[0] = 0;
        if (q->was_up) {
            keep_say_again(q);
            q->settles_until_ms = clock_ms(&q->keep.clock) + q->config.settle_ms;
        }
        q->was_up = true;
        queue_send_unsent(q);
        add_pump(q);
    } else {
        queue_say(q, why, "");
    }
    if (q->config.on_state) {
        q->inside++;
        q->config.on_state(q->config.arg, up, why);
        q->inside--;
    }
}

static void before_connect(void *arg)
{
    struct queue *q = arg;

    if (q->config.server)
        redis_server_revive(q->config.server);
}

static void again_fire(struct timer *t)
{
    struct queue *q = container_of(t, struct queue, again);

    queue_send_unsent(q);
    add_pump(q);
}

void queue_again_soon(struct queue *q)
{
    if (!timer_running(&q->again))
        loop_timer(q->loop, &q->again, AGAIN_MS, again_fire);
}

/* FUNCTION LOAD REPLACE and the library, as RESP. */
static enum err make_prepare(struct queue *q, struct slice *out)
{
    size_t size = 0;

    for (const char *const *piece = queue_functions; *piece; piece++)
        size += strlen(*piece);
    char *library = malloc(size + 1), *at = library;

    if (!library)
        return ERR_NOMEM;
    for (const char *const *piece = queue_functions; *piece; piece++)
        at = stpcpy(at, *piece);
    const struct slice argv[] = {SLICE("FUNCTION"), SLICE("LOAD"), SLICE("REPLACE"),
                                 slice_of(library, size)};
    size_t n = redis_format(NULL, 0, 4, argv);

    q->prepare = malloc(n);
    if (q->prepare)
        redis_format(q->prepare, n, 4, argv);
    free(library);
    *out = slice_of(q->prepare, n);
    return q->prepare ? OK : ERR_NOMEM;
}

/* "{campaign}"; braces and control characters, which would break the hash tag, become %XX. */
static enum err make_key(struct queue *q, struct slice campaign)
{
    struct buf b = buf_on(q->key, sizeof(q->key) - 1);

    buf_putc(&b, '{');
    for (uint32_t i = 0; i < campaign.len; i++) {
        char c = campaign.p[i];

        if (c == '{' || c == '}' || c == '%' || (unsigned char)c < 0x21)
            buf_printf(&b, "%%%02x", (unsigned char)c);
        else
            buf_putc(&b, c);
    }
    buf_putc(&b, '}');
    q->key[b.len] = 0;
    return campaign.len ? buf_end(&b) : ERR_INVALID;
}

static enum err make_names(struct queue *q)
{
    struct slice engine = slice_cstr(q->config.engine);
    uint32_t run;

    if (make_key(q, slice_cstr(q->config.campaign)) || engine.len == 0 ||
        engine.len > QUEUE_ENGINE_MAX) {
        log_error("queue", "campaign and engine need names (engine: 63 bytes at most)",
                  "campaign=%s engine=%s", q->config.campaign, q->config.engine);
        return ERR_INVALID;
    }
    rng_system(&run, sizeof(run));
    snprintf(q->self, sizeof(q->self), "%s#%08x", q->config.engine, run);
    return OK;
}

static void dispose(struct queue *q)
{
    keep_fini(q);
    add_fini(q);
    pool_fini(&q->requests);
    free(q->tasks);
    free(q->prepare);
    free(q);
}

enum err queue_open(struct queue **out, const struct queue_config *config)
{
    struct queue *q = calloc(1, sizeof(*q));
    struct slice prepare;
    enum err e;

    if (!q)
        return ERR_NOMEM;
    q->config = *config;
    q->loop = config->loop;
    q->config.lease_ms = config->lease_ms ? config->lease_ms : LEASE_DEFAULT_MS;
    list_init(&q->sent);
    list_init(&q->unsent);
    keep_init(q);
    timer_init(&q->again);
    timer_init(&q->finish);
    q->tasks = calloc(QUEUE_CLAIM_MAX, sizeof(*q->tasks));
    if ((e = q->tasks ? OK : ERR_NOMEM) || (e = make_names(q)) || (e = make_prepare(q, &prepare)) ||
        (e = pool_init(&q->requests, sizeof(struct request), QUEUE_IN_FLIGHT_MAX)) ||
        (e = add_init(q)))
        goto fail;
    const struct redis_config redis = {.loop = q->loop,
                                       .url = config->url,
                                       .prepare = prepare,
                                       .on_state = on_state,
                                       .before_connect = before_connect,
                                       .arg = q};

    if ((e = redis_open(&q->redis, &redis)))
        goto fail;
    *out = q;
    return OK;
fail:
    dispose(q);
    return e;
}

bool queue_up(const struct queue *q)
{
    return redis_up(q->redis);
}
bool queue_idle(const struct queue *q)
{
    return q->requests.used == 0 && add_idle(q) && redis_in_flight(q->redis) == 0;
}
const char *queue_task_number(const struct queue_task *t)
{
    return t->number_at < t->number_count ? t->numbers[t->number_at].number : "";
}
const char *queue_error(const struct queue *q)
{
    return q->error;
}

void queue_close(struct queue *q)
{
    struct list_node *n;

    if (!q)
        return;
    assert(q->inside == 0);
    q->closing = true;
    loop_timer_stop(q->loop, &q->again);
    loop_timer_stop(q->loop, &q->finish);
    redis_close(q->redis);
    while ((n = list_pop_front(&q->unsent))) {
        struct request *r = container_of(n, struct request, node);

        if (r->kind == REQUEST_OTHER)
            r->answered(q, r, NULL, ERR_CANCELLED);
        else if (r->done)
            ((queue_done_fn *)r->done)(r->arg, ERR_CANCELLED);
        queue_request_free(r);
    }
    if (q->finishing && q->added)
        q->added(q->added_arg, ERR_CANCELLED);
    dispose(q);
}
