/* The API's life: a loop, a server on it, a queue for each campaign, and requests that wait for
 * their turn. */
#include <pthread.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "api/inner.h"

#define TURN_US       100000
#define CLOSE_WAIT_MS 1000

_Static_assert(API_BODY_MAX <= HTTP_SERVER_BODY_MAX, "the server takes such bodies");

/* ---- requests ---- */

static void on_request(void *arg, struct http_client *to, const struct http_request *r)
{
    struct api *a = arg;

    if (!api_may_ask(a, to, r))
        return;
    /* Never full: each client asks once, and leaves its place with its answer or before. */
    struct api_call *c = &a->waiting[(a->first + a->count++) % HTTP_SERVER_CLIENTS_MAX];

    *c = (struct api_call){.api = a, .to = to, .request = *r, .text = http_server_take(to)};
}

static struct api_call *place_of(struct api *a, uint32_t i)
{
    return &a->waiting[(a->first + i) % HTTP_SERVER_CLIENTS_MAX];
}

/* Whoever leaves before their turn changes nothing, and makes room for the next. */
static void on_gone(void *arg, struct http_client *who)
{
    struct api *a = arg;
    uint32_t i = 0;

    if (a->now.to == who)
        a->now.to = NULL;
    while (i < a->count && place_of(a, i)->to != who)
        i++;
    if (i == a->count)
        return;
    free(place_of(a, i)->text);
    for (a->count--; i < a->count; i++)
        *place_of(a, i) = *place_of(a, i + 1);
}

static void answer_one(struct api *a)
{
    a->now = a->waiting[a->first];
    a->first = (a->first + 1) % HTTP_SERVER_CLIENTS_MAX;
    a->count--;
    if (!atomic_load(&a->stopping))
        atomic_store(&a->until_ms, clock_ms(a->loop.clock) + API_REQUEST_MS);
    api_answer(&a->now);
    a->answered++;
    free(a->now.text);
    a->now = (struct api_call){0};
}

void api_run(struct api *a)
{
    while (!atomic_load(&a->stopping)) {
        loop_turn(&a->loop, TURN_US);
        while (a->count && !atomic_load(&a->stopping))
            answer_one(a);
    }
    while (a->count) {
        struct api_call *c = &a->waiting[a->first];

        http_server_refuse(c->to, "503 Service Unavailable", "the engine ends");
        free(c->text);
        a->first = (a->first + 1) % HTTP_SERVER_CLIENTS_MAX;
        a->count--;
    }
    loop_turn(&a->loop, 0); /* what was answered leaves */
}

static void *run(void *arg)
{
    api_run(arg);
    return NULL;
}

/* ---- life ---- */

static void on_wake(void *arg)
{
    (void)arg; /* api_run looks */
}

static enum err open_queue(struct api *a, struct api_place *p)
{
    const struct queue_config config = {.loop = &a->loop,
                                        .url = a->config.redis_url,
                                        .campaign = p->about->name,
                                        .engine = a->engine};

    p->ask.loop = &a->loop;
    p->ask.until_ms = &a->until_ms;
    return queue_open(&p->ask.queue, &config);
}

bool api_place_ready(struct api *a, struct api_place *p)
{
    if (!p->ask.queue && open_queue(a, p) != OK) {
        snprintf(p->ask.error, sizeof(p->ask.error), "no memory");
        return false;
    }
    if (!queue_up(p->ask.queue) && p->was_up) { /* known to be away: nobody waits for it */
        snprintf(p->ask.error, sizeof(p->ask.error), "%.255s", queue_error(p->ask.queue));
        return false;
    }
    p->was_up = ask_until_up(&p->ask);
    return p->was_up;
}

static enum err open_all(struct api *a, char *error)
{
    const struct http_server_config http = {.loop = &a->loop,
                                            .address = a->config.address,
                                            .anywhere = a->config.token != NULL,
                                            .body_max = API_BODY_MAX,
                                            .fn = on_request,
                                            .gone = on_gone,
                                            .arg = a};
    enum err e = http_server_open(&a->server, &http, error);

    for (uint32_t i = 0; i < a->config.campaign_count && e == OK; i++) {
        a->place[i].about = &a->config.campaign[i];
        e = open_queue(a, &a->place[i]);
        if (e != OK)
            snprintf(error, API_ERROR_MAX,
                     "the Redis URL cannot be used; redis://[:PASSWORD@]HOST:PORT[/DB] and "
                     "unix:/PATH are accepted");
    }
    return e;
}

enum err api_open(struct api **out, const struct api_config *config, char *error)
{
    const struct loop_config loop = {.taskrun_any_thread = true};
    struct api *a = calloc(1, sizeof(*a));

    *out = NULL;
    if (!config->token && !http_server_is_loopback(config->address)) {
        snprintf(error, API_ERROR_MAX,
                 "%.60s: an address that others can reach needs a token: name a file with it "
                 "(--api-token), or put it into PEAL_API_TOKEN",
                 config->address);
        free(a);
        return ERR_INVALID;
    }
    if (!a || loop_init(&a->loop, &loop) != OK) {
        snprintf(error, API_ERROR_MAX, "its loop cannot be made (see the log)");
        free(a);
        return ERR_NOMEM;
    }
    loop_set_wake(&a->loop, on_wake, a);
    a->config = *config;
    snprintf(a->address, sizeof(a->address), "%s", config->address);
    snprintf(a->redis_url, sizeof(a->redis_url), "%s", config->redis_url);
    snprintf(a->token, sizeof(a->token), "%s", config->token ? config->token : "");
    snprintf(a->engine, sizeof(a->engine), "peal-api-%d", (int)getpid());
    a->config.address = a->address;
    a->config.redis_url = a->redis_url;
    a->config.token = config->token ? a->token : NULL;
    a->waiting = calloc(HTTP_SERVER_CLIENTS_MAX, sizeof(*a->waiting));
    a->out = malloc(HTTP_SERVER_REPLY_MAX);
    enum err e = a->waiting && a->out ? open_all(a, error) : ERR_NOMEM;

    if (e == OK)
        *out = a;
    else
        api_close(a);
    return e;
}

enum err api_start(struct api *a)
{
    sigset_t all, old;

    /* Signals are the control thread's. */
    sigfillset(&all);
    pthread_sigmask(SIG_SETMASK, &all, &old);
    a->threaded = pthread_create(&a->thread, NULL, run, a) == 0;
    pthread_sigmask(SIG_SETMASK, &old, NULL);
    return a->threaded ? OK : ERR_NOMEM;
}

void api_stop(struct api *a)
{
    atomic_store(&a->until_ms, clock_ms(a->loop.clock) + CLOSE_WAIT_MS);
    atomic_store(&a->stopping, 1);
    loop_wake(&a->loop);
}

void api_close(struct api *a)
{
    if (!a)
        return;
    api_stop(a);
    if (a->threaded)
        pthread_join(a->thread, NULL);
    for (uint32_t i = 0; i < a->config.campaign_count; i++)
        queue_close(a->place[i].ask.queue);
    http_server_close(a->server);
    loop_fini(&a->loop);
    for (uint32_t i = 0; i < a->count; i++) /* who came last of all */
        free(place_of(a, i)->text);
    explicit_bzero(a->token, sizeof(a->token));
    free(a->waiting);
    free(a->out);
    free(a);
}

const char *api_listen(const struct api *a)
{
    return http_server_listen(a->server);
}
