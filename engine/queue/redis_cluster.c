/* Each command in flight keeps its bytes until it is answered, for it may have to go elsewhere. */
#include "queue/redis_cluster.h"

#include <hiredis/hiredis.h>
#include <stdio.h>
#include <stdlib.h>

#include "base/list.h"
#include "base/log.h"
#include "base/pool.h"
#include "queue/redis_reply.h"

#define NOBODY 0xff

struct node {
    struct redis_cluster *cluster;
    struct redis_host at;
    struct redis *link; /* NULL: the place is free */
    bool up, has_slots, wanted;
};

struct flight {
    struct list_node node; /* in cluster->held while it waits for its node */
    struct redis_cluster *cluster;
    redis_reply_fn *fn;
    void *arg;
    char *resp;
    uint32_t len;
    uint8_t to, redirects; /* to: index of the node */
    uint64_t held_ms;
};

struct redis_cluster {
    struct redis_config config;
    struct redis_target target;
    struct node nodes[CLUSTER_NODES_MAX];
    uint8_t slots[REDIS_SLOTS]; /* index of the master; NOBODY */
    uint8_t fresh[REDIS_SLOTS]; /* the map being read */
    struct pool flights;
    struct list held;
    struct timer tick, soon;
    struct redis *probe; /* while no master is connected: asks one address after another */
    struct redis_host probe_at;
    uint32_t probe_next, probe_ticks;
    bool looking, probe_over, closing, up, told, free_later;
    uint64_t masters;
    uint32_t inside; /* callbacks of nodes on the stack */
    struct clock clock;
    char error[REDIS_ERROR_MAX];
    struct redis_stats stats;
};

static void look(struct redis_cluster *c);
static void tick_fire(struct timer *t);

static void soon_fire(struct timer *t)
{
    look(container_of(t, struct redis_cluster, soon));
}

static void look_soon(struct redis_cluster *c)
{
    if (!c->closing && !timer_running(&c->soon))
        loop_timer(c->config.loop, &c->soon, 20, soon_fire);
}

/* Out of a node's callback: the cluster may have been closed in it. */
static void leave(struct redis_cluster *c)
{
    if (--c->inside == 0 && c->free_later)
        cluster_close(c);
}

/* --- state --- */

static bool covered(const struct redis_cluster *c)
{
    for (uint32_t s = 0; s < REDIS_SLOTS; s++)
        if (c->slots[s] == NOBODY)
            return false;
    return true;
}

static const struct node *missing(const struct redis_cluster *c)
{
    for (uint32_t i = 0; i < CLUSTER_NODES_MAX; i++)
        if (c->nodes[i].link && c->nodes[i].has_slots && !c->nodes[i].up)
            return &c->nodes[i];
    return NULL;
}

static void tell(struct redis_cluster *c)
{
    const struct node *away = missing(c);
    bool up = !away && covered(c);

    if (c->closing || (up == c->up && c->told))
        return;
    c->told = true;
    c->up = up;
    if (up)
        c->error[0] = 0;
    else if (away)
        snprintf(c->error, sizeof(c->error), "Redis Cluster: the node %s:%u is away: %.150s",
                 away->at.host, away->at.port, redis_error(away->link));
    else
        snprintf(c->error, sizeof(c->error),
                 "Redis Cluster: no node is known for some slots; see redis-cli cluster info");
    if (up)
        c->stats.connects++;
    else
        log_warn("queue", c->error, "%s", "");
    if (c->config.on_state)
        c->config.on_state(c->config.arg, up, c->error);
}

/* --- nodes --- */

static void flush_held(struct redis_cluster *c, struct node *n);

static void on_node_state(void *arg, bool up, const char *why)
{
    struct node *n = arg;
    struct redis_cluster *c = n->cluster;

    (void)why;
    c->inside++;
    n->up = up;
    if (up)
        flush_held(c, n);
    else
        look_soon(c);
    tell(c);
    leave(c);
}

static struct node *node_of(struct redis_cluster *c, const struct redis_host *at)
{
    struct node *free_place = NULL;

    for (uint32_t i = 0; i < CLUSTER_NODES_MAX; i++) {
        struct node *n = &c->nodes[i];

        if (n->link && redis_host_eq(&n->at, at))
            return n;
        if (!n->link && !free_place)
            free_place = n;
    }
    if (!free_place)
        return NULL;
    char url[REDIS_URL_MAX];
    const struct redis_config config = {.loop = c->config.loop,
                                        .url = url,
                                        .user = c->target.user,
                                        .password = c->target.password,
                                        .prepare = c->config.prepare,
                                        .on_state = on_node_state,
                                        .quiet = true,
                                        .arg = free_place};

    *free_place = (struct node){.cluster = c, .at = *at};
    redis_host_url(at, url, sizeof(url));
    return redis_open(&free_place->link, &config) == OK ? free_place : NULL;
}

static uint8_t index_of(const struct redis_cluster *c, const struct node *n)
{
    return (uint8_t)(n - c->nodes);
}

/* Lets go of nodes that have no slots any more. Outside of their callbacks. */
static void drop_unwanted(struct redis_cluster *c)
{
    for (uint32_t i = 0; i < CLUSTER_NODES_MAX; i++) {
        struct node *n = &c->nodes[i];
        bool waited_for = false;

        if (!n->link || n->has_slots)
            continue;
        list_each(node, next, &c->held)
        {
            waited_for |= container_of(node, struct flight, node)->to == i;
        }
        if (waited_for || redis_in_flight(n->link))
            continue;
        redis_close(n->link);
        n->link = NULL;
        n->up = false;
    }
}

/* --- the map --- */

struct reading {
    struct redis_cluster *cluster;
    bool full; /* more masters than places */
};

static void take_range(void *arg, uint32_t first, uint32_t last, const struct redis_host *master)
{
    struct reading *r = arg;
    struct node *n = node_of(r->cluster, master);

    if (!n) {
        r->full = true;
        return;
    }
    n->wanted = true;
    memset(r->cluster->fresh + first, index_of(r->cluster, n), last - first + 1);
}

static void take_map(struct redis_cluster *c, const redisReply *reply,
                     const struct redis_host *self)
{
    struct reading r = {.cluster = c};

    memset(c->fresh, NOBODY, sizeof(c->fresh));
    for (uint32_t i = 0; i < CLUSTER_NODES_MAX; i++)
        c->nodes[i].wanted = false;
    if (!reply_read_slots(reply, self, take_range, &r)) {
        snprintf(c->error, sizeof(c->error),
                 "Redis at %s:%u does not tell the slots of a cluster: %.100s", self->host,
                 self->port, reply->type == REDIS_REPLY_ERROR ? reply->str : "no such reply");
        log_error("queue", c->error, "%s", "");
        return;
    }
    if (r.full)
        log_error("queue", "Redis Cluster: more than 64 masters; some are left out", "%s", "");
    /* Slots that go from one node to another: a fail-over, or they were moved. */
    for (uint32_t i = 0; i < REDIS_SLOTS; i++)
        if (c->slots[i] != c->fresh[i] && c->slots[i] != NOBODY) {
            c->masters++;
            break;
        }
    memcpy(c->slots, c->fresh, sizeof(c->slots));
    for (uint32_t i = 0; i < CLUSTER_NODES_MAX; i++)
        c->nodes[i].has_slots = c->nodes[i].link && c->nodes[i].wanted;
    tell(c);
}

static void on_map(void *arg, const struct redisReply *reply)
{
    struct node *n = arg;
    struct redis_cluster *c = n->cluster;

    c->looking = false;
    if (!reply || c->closing)
        return;
    const struct redis_host self = n->at;
    c->inside++;
    take_map(c, reply, &self);
    leave(c);
}

static enum err ask_for_map(struct redis *link, redis_reply_fn *fn, void *arg)
{
    const struct slice argv[] = {SLICE("CLUSTER"), SLICE("SLOTS")};

    return redis_command(link, fn, arg, 2, argv);
}

static void on_probe_map(void *arg, const struct redisReply *reply)
{
    struct redis_cluster *c = arg;

    c->probe_over = true;
    if (!reply || c->closing)
        return;
    c->inside++;
    take_map(c, reply, &c->probe_at);
    leave(c);
}

static void on_probe_state(void *arg, bool up, const char *why)
{
    struct redis_cluster *c = arg;

    if (!up && !c->up)
        snprintf(c->error, sizeof(c->error),
                 "Redis Cluster: no node can be reached; the last: %.160s", why);
    if (!up || ask_for_map(c->probe, on_probe_map, c) != OK)
        c->probe_over = true;
}

/* Addresses of the URL and of nodes known, in turn. */
static bool next_address(struct redis_cluster *c, struct redis_host *out)
{
    for (uint32_t tries = 0; tries < c->target.host_count + CLUSTER_NODES_MAX; tries++) {
        uint32_t i = c->probe_next++ % (c->target.host_count + CLUSTER_NODES_MAX);

        if (i < c->target.host_count) {
            *out = c->target.hosts[i];
            return true;
        }
        if (c->nodes[i - c->target.host_count].link) {
            *out = c->nodes[i - c->target.host_count].at;
            return true;
        }
    }
    return false;
}

static void start_probe(struct redis_cluster *c)
{
    char url[REDIS_URL_MAX];
    const struct redis_config config = {.loop = c->config.loop,
                                        .url = url,
                                        .user = c->target.user,
                                        .password = c->target.password,
                                        .on_state = on_probe_state,
                                        .quiet = true,
                                        .arg = c};

    if (!next_address(c, &c->probe_at))
        return;
    redis_host_url(&c->probe_at, url, sizeof(url));
    c->probe_over = false;
    c->probe_ticks = 0;
    if (redis_open(&c->probe, &config) != OK)
        c->probe = NULL;
}

static void end_probe(struct redis_cluster *c)
{
    redis_close(c->probe);
    c->probe = NULL;
}

static void look(struct redis_cluster *c)
{
    if (c->looking || c->closing)
        return;
    for (uint32_t i = 0; i < CLUSTER_NODES_MAX; i++) {
        /* Not always the same one: a node that is cut off has an old map. */
        struct node *n = &c->nodes[(i + c->probe_next) % CLUSTER_NODES_MAX];

        if (n->link && n->up && ask_for_map(n->link, on_map, n) == OK) {
            c->probe_next++;
            c->looking = true;
            return;
        }
    }
    if (!c->probe)
        start_probe(c);
}

/* --- commands --- */

static void finish(struct flight *f, const redisReply *reply)
{
    struct redis_cluster *c = f->cluster;
    redis_reply_fn *fn = f->fn;
    void *arg = f->arg;

    list_remove(&f->node);
    free(f->resp);
    pool_put(&c->flights, f);
    if (reply)
        c->stats.replies++;
    if (fn)
        fn(arg, reply);
}

static void on_reply(void *arg, const struct redisReply *reply);

static void hold(struct flight *f)
{
    if (!f->held_ms)
        f->held_ms = clock_ms(&f->cluster->clock);
    list_remove(&f->node);
    list_push_back(&f->cluster->held, &f->node);
}

/* To its node, now or when it is there. False: it cannot be taken. */
static bool pass_on(struct flight *f)
{
    struct redis *link = f->cluster->nodes[f->to].link;

    return redis_send(link, slice_of(f->resp, f->len), on_reply, f) == OK;
}

static void flush_held(struct redis_cluster *c, struct node *n)
{
    list_each(node, next, &c->held)
    {
        struct flight *f = container_of(node, struct flight, node);

        if (f->to != index_of(c, n))
            continue;
        list_remove(&f->node);
        if (!pass_on(f)) {
            hold(f);
            return;
        }
    }
}

static void give_up_held(struct redis_cluster *c, uint64_t before_ms)
{
    list_each(node, next, &c->held)
    {
        struct flight *f = container_of(node, struct flight, node);

        if (f->held_ms <= before_ms)
            finish(f, NULL);
    }
}

static bool redirect(struct flight *f, const redisReply *reply)
{
    struct redis_cluster *c = f->cluster;
    struct redis_host to;
    uint32_t slot;
    enum redis_redirect how = reply_read_redirect(reply, &c->nodes[f->to].at, &slot, &to);
    struct node *n;

    if (how == REDIRECT_NONE || c->closing)
        return false;
    /* The slot is being moved, and a function would find some of its keys here and others there: it
     * waits until they are all in one place. */
    if (how == REDIRECT_ASK) {
        hold(f);
        return true;
    }
    if (f->redirects++ == CLUSTER_REDIRECTS_MAX || !(n = node_of(c, &to)))
        return false;
    f->to = index_of(c, n);
    c->masters += c->slots[slot] != f->to;
    c->slots[slot] = f->to;
    n->has_slots = true;
    look_soon(c);
    if (!n->up || !pass_on(f))
        hold(f);
    return true;
}

static void on_reply(void *arg, const struct redisReply *reply)
{
    struct flight *f = arg;
    struct redis_cluster *c = f->cluster;

    c->inside++;
    if (reply && reply->type == REDIS_REPLY_ERROR && !c->closing &&
        (reply_is_error(reply, "CLUSTERDOWN") || reply_is_error(reply, "READONLY") ||
         reply_is_error(reply, "MASTERDOWN")))
        look_soon(c);
    if (!reply || !redirect(f, reply))
        finish(f, reply);
    leave(c);
}

enum err cluster_send_to(struct redis_cluster *c, struct slice key, struct slice resp,
                         redis_reply_fn *fn, void *arg)
{
    return c->up ? redis_send(c->nodes[c->slots[redis_key_slot(key)]].link, resp, fn, arg)
                 : ERR_CLOSED;
}

enum err cluster_send(struct redis_cluster *c, struct slice resp, redis_reply_fn *fn, void *arg)
{
    uint32_t slot;
    struct flight *f;
    enum err e;

    if (!c->up)
        return ERR_CLOSED;
    if ((e = redis_slot_of(resp, &slot)))
        return e;
    f = pool_get(&c->flights);
    if (!f) {
        c->stats.refused++;
        return ERR_FULL;
    }
    *f = (struct flight){.cluster = c,
                         .fn = fn,
                         .arg = arg,
                         .resp = malloc(resp.len ? resp.len : 1),
                         .len = resp.len,
                         .to = c->slots[slot]};
    list_node_init(&f->node);
    e = f->resp ? OK : ERR_NOMEM;
    if (!e) {
        memcpy(f->resp, resp.p, resp.len);
        e = redis_send(c->nodes[f->to].link, resp, on_reply, f);
    }
    if (e) {
        free(f->resp);
        pool_put(&c->flights, f);
    } else {
        c->stats.commands++;
    }
    return e;
}

/* --- opening and closing --- */

static void tick_fire(struct timer *t)
{
    struct redis_cluster *c = container_of(t, struct redis_cluster, tick);
    uint64_t now = clock_ms(&c->clock);

    if (c->probe && (c->probe_over || ++c->probe_ticks > 3))
        end_probe(c);
    drop_unwanted(c);
    if (now > CLUSTER_HELD_MS)
        give_up_held(c, now - CLUSTER_HELD_MS);
    for (uint32_t i = 0; i < CLUSTER_NODES_MAX; i++)
        if (c->nodes[i].link && c->nodes[i].up)
            flush_held(c, &c->nodes[i]);
    if (!c->up)
        look(c);
    tell(c);
    loop_timer(c->config.loop, &c->tick, CLUSTER_LOOK_MS, tick_fire);
}

enum err cluster_open(struct redis_cluster **out, const struct redis_config *config,
                      const struct redis_target *target)
{
    struct redis_cluster *c = calloc(1, sizeof(*c));
    enum err e = c ? pool_init(&c->flights, sizeof(struct flight), REDIS_IN_FLIGHT_MAX) : ERR_NOMEM;

    if (e) {
        free(c);
        return e;
    }
    c->config = *config;
    c->target = *target;
    memset(c->slots, NOBODY, sizeof(c->slots));
    clock_init_real(&c->clock);
    list_init(&c->held);
    timer_init(&c->tick);
    timer_init(&c->soon);
    c->told = true; /* not up: nothing to tell yet */
    snprintf(c->error, sizeof(c->error), "Redis Cluster: no node has answered yet");
    loop_timer(config->loop, &c->tick, CLUSTER_LOOK_MS, tick_fire);
    look_soon(c);
    *out = c;
    return OK;
}

void cluster_close(struct redis_cluster *c)
{
    c->closing = true;
    c->up = false;
    c->free_later = c->inside > 0;
    if (c->free_later)
        return;
    loop_timer_stop(c->config.loop, &c->tick);
    loop_timer_stop(c->config.loop, &c->soon);
    end_probe(c);
    for (uint32_t i = 0; i < CLUSTER_NODES_MAX; i++) {
        redis_close(c->nodes[i].link); /* tells NULL to what it has */
        c->nodes[i].link = NULL;
    }
    give_up_held(c, UINT64_MAX);
    pool_fini(&c->flights);
    free(c);
}

void cluster_reconnect(struct redis_cluster *c, const char *why)
{
    for (uint32_t i = 0; i < CLUSTER_NODES_MAX; i++)
        if (c->nodes[i].link)
            redis_reconnect(c->nodes[i].link, why);
}

bool cluster_up(const struct redis_cluster *c)
{
    return c->up;
}

uint64_t cluster_masters(const struct redis_cluster *c)
{
    return c->masters;
}

const char *cluster_error(const struct redis_cluster *c)
{
    return c->up ? "" : c->error;
}

const struct redis_stats *cluster_stats(const struct redis_cluster *c)
{
    return &c->stats;
}

uint32_t cluster_in_flight(const struct redis_cluster *c)
{
    return c->flights.used;
}
