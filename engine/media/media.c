/* Workers as the control thread sees them: start and end, the two rings of each, the counters. */
#include "media/media.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/sysinfo.h>
#include <unistd.h>

#include "base/log.h"
#include "base/pages.h"
#include "dsp/prints.h"
#include "io/limits.h"
#include "media/control.h"

#define LEGS_DEFAULT    1024
#define PORT_MIN        20000
#define PORT_MAX        39999
#define MESSAGES_A_TURN 4096
#define KEYS_PER_LEG    4 /* with a change of keys under way; memory is touched when used */
#define KEYS_SPARE      64
#define FILES_SPARE     256 /* descriptors for everything but legs */

static bool place_left(struct ring_spsc *r, uint32_t wanted)
{
    uint32_t used = atomic_load_explicit(&r->tail, memory_order_relaxed) -
                    atomic_load_explicit(&r->head, memory_order_acquire);

    return used + wanted <= r->mask;
}

enum err media_post_to(struct media *m, uint32_t worker, const struct command *c, bool kept_place)
{
    struct worker *w = &m->worker[worker];

    if ((!kept_place && !place_left(&w->commands, m->max_legs * 2)) ||
        !ring_spsc_push(&w->commands, c)) {
        m->commands_refused++;
        return ERR_FULL;
    }
    loop_wake(&w->loop);
    return OK;
}

enum err media_post(struct media_leg *l, struct command *c)
{
    struct media *m = l->media;

    c->stream = l->stream;
    c->hearing = l->hearing;
    if (l->moving && c->kind == COMMAND_CLOSE)
        return OK; /* closed when it has arrived */
    if (!l->moving)
        return media_post_to(m, l->worker, c, c->kind == COMMAND_CLOSE);
    if (m->deferred_count == DEFERRED_MAX) {
        m->commands_refused++;
        return ERR_FULL;
    }
    m->deferred[m->deferred_count++] = (struct deferred){l, *c};
    return OK;
}

static void dispatch(struct media *m, const struct message *msg)
{
    if (m->generation[msg->index] == msg->generation)
        media_leg_message(pool_at(&m->legs, msg->index), msg);
}

/* Runs once a turn of the control loop; workers wake it. */
static void drain_messages(struct loop_hook *h)
{
    struct media *m = container_of(h, struct media, hook);
    struct message msg;

    for (uint32_t i = 0; i < m->workers; i++) {
        uint32_t n = 0;

        while (n < MESSAGES_A_TURN && ring_spsc_pop(&m->worker[i].messages, &msg)) {
            dispatch(m, &msg);
            n++;
        }
        if (n == MESSAGES_A_TURN)
            loop_wake(m->loop); /* more of them: after the loop's other work */
    }
    media_recordings_ended(m);
}

static uint32_t workers_wanted(const struct media_config *c)
{
    int cores = get_nprocs();
    uint32_t n = c->workers ? c->workers : c->shared ? 1 : cores > 1 ? (uint32_t)cores - 1 : 1;

    return n > MEDIA_WORKERS_MAX ? MEDIA_WORKERS_MAX : n;
}

/* Every leg is visited every 20 ms in an order the processor cannot guess: with pages of 4 KiB most
 * of its first touches would miss the TLB too. */
static void want_huge_pages(const struct pool *p)
{
    madvise(p->mem, p->object_size * p->capacity, MADV_HUGEPAGE);
}

static enum err open_range(struct media *m, const struct media_range *r, uint8_t dscp)
{
    uint16_t min = r->port_min ? r->port_min : PORT_MIN, max = r->port_max ? r->port_max : PORT_MAX;
    struct addr *local = &m->range[m->ranges].local;
    enum err err = ports_init(&m->range[m->ranges].ports, min, max);

    if (err)
        return err;
    *local = r->local;
    if (!addr_is_set(local))
        addr_from_host(slice_cstr("127.0.0.1"), 0, local);
    m->range[m->ranges++].ports.dscp = dscp;
    return OK;
}

static enum err open_ranges(struct media *m, const struct media_config *c)
{
    struct media_range first = {c->local, c->port_min, c->port_max};
    enum err err = c->range_count < MEDIA_RANGES_MAX ? open_range(m, &first, c->dscp) : ERR_INVALID;

    for (uint32_t i = 0; i < c->range_count && !err; i++)
        err = open_range(m, &c->ranges[i], c->dscp);
    return err;
}

static enum err allocate(struct media *m, const struct media_config *c)
{
    enum err err = open_ranges(m, c);

    if (err)
        return err;
    m->generation = pages_get(m->max_legs * sizeof(*m->generation));
    m->worker = pages_get(m->workers * sizeof(*m->worker));
    m->latest = pages_get(m->workers * sizeof(*m->latest));
    m->load = calloc(m->workers, sizeof(*m->load));
    m->deferred = pages_get(DEFERRED_MAX * sizeof(*m->deferred));
    if (!m->generation || !m->worker || !m->latest || !m->load || !m->deferred ||
        pool_init(&m->legs, sizeof(struct media_leg), m->max_legs) != OK ||
        pool_init(&m->streams, sizeof(struct stream), m->max_legs) != OK ||
        pool_init(&m->hearings, sizeof(struct hearing), m->max_legs) != OK)
        return ERR_NOMEM;
    if (pool_init(&m->talks, sizeof(struct conversation), m->max_legs / 2 + 1) != OK)
        return ERR_NOMEM;
    if (pool_init(&m->keys, sizeof(struct secure), m->max_legs * KEYS_PER_LEG + KEYS_SPARE) != OK)
        return ERR_NOMEM;
    m->prints = c->prints;
    if (c->prints && pool_init(&m->prints_legs, sizeof(struct prints_leg), m->max_legs) != OK)
        return ERR_NOMEM;
    want_huge_pages(&m->streams);
    want_huge_pages(&m->hearings);
    return sound_cache_open(&m->sounds, c->sound_bytes_max);
}

static void release(struct media *m)
{
    sound_cache_close(m->sounds);
    pool_fini(&m->prints_legs);
    pool_fini(&m->hearings);
    pool_fini(&m->keys);
    pool_fini(&m->talks);
    pool_fini(&m->streams);
    pool_fini(&m->legs);
    pages_put(m->deferred, DEFERRED_MAX * sizeof(*m->deferred));
    free(m->load);
    pages_put(m->latest, m->workers * sizeof(*m->latest));
    pages_put(m->worker, m->workers * sizeof(*m->worker));
    pages_put(m->generation, m->max_legs * sizeof(*m->generation));
    for (uint32_t i = 0; i < m->ranges; i++)
        ports_fini(&m->range[i].ports);
    free(m);
}

static void stop_workers(struct media *m, uint32_t started)
{
    const struct command quit = {.kind = COMMAND_QUIT};

    for (uint32_t i = 0; i < started; i++) {
        while (media_post_to(m, i, &quit, true) != OK)
            usleep(1000); /* the worker empties its ring meanwhile */
        worker_join(&m->worker[i]);
    }
}

/* A port of the range's, which the worker then binds; it is given back to nobody. */
static enum err take_shared_port(struct media *m)
{
    struct port_pair pair;
    enum err err = ports_get(&m->range[0].ports, &m->range[0].local, true, &pair);

    if (err)
        return err;
    close(pair.rtp);
    m->shared_port = addr_port(&pair.local);
    return OK;
}

static enum err start_workers(struct media *m, const struct media_config *c)
{
    for (uint32_t i = 0; i < m->workers; i++) {
        struct worker *w = &m->worker[i];

        w->control = m->loop;
        w->max_legs = m->max_legs;
        w->index = i;
        w->count_foreign = c->count_foreign;
        w->realtime = c->realtime;
        w->socket_local = m->range[0].local;
        addr_set_port(&w->socket_local, m->shared_port);
        if (!m->shared_port)
            w->socket_local = (struct addr){0};
        w->socket_dscp = c->dscp;
        w->core = c->pin_from ? (c->pin_from - 1 + i) % (uint32_t)get_nprocs() + 1 : 0;
        enum err err = worker_start(w);

        if (err) {
            stop_workers(m, i);
            return err;
        }
    }
    return OK;
}

enum err media_open(struct media **out, const struct media_config *config)
{
    uint64_t files;

    if (config->libsrtp2 && !srtp_lib_is_there()) {
        log_error("media", "this peal was built without libsrtp2 (libsrtp2-dev)", "%s", "");
        return ERR_UNSUPPORTED;
    }
    struct media *m = calloc(1, sizeof(*m));

    if (!m)
        return ERR_NOMEM;
    m->loop = config->loop;
    clock_init_real(&m->clock);
    m->max_legs = config->max_legs ? config->max_legs : LEGS_DEFAULT;
    m->workers = workers_wanted(config);
    m->archives_wanted = config->archives ? config->archives : m->workers;
    if (m->archives_wanted > MEDIA_ARCHIVES_MAX)
        m->archives_wanted = MEDIA_ARCHIVES_MAX;
    m->srtp_by = config->libsrtp2 ? SRTP_BY_LIBSRTP2 : SRTP_BY_OURS;
    m->alive_us = (uint64_t)config->keep_alive_ms * 1000;
    /* A descriptor a leg is enough where RTCP's sockets are direct; the ring's table, which has two
     * places for each, is bounded by the same limit. */
    if (limits_raise_files((uint64_t)m->max_legs * 2 + FILES_SPARE, &files) != OK &&
        files < (uint64_t)m->max_legs * 2)
        log_warn("media", "fewer open files are permitted than legs may need; raise ulimit -n",
                 "legs=%u files=%llu", m->max_legs, (unsigned long long)files);
    enum err err = config->shared && m->workers > 1 ? ERR_UNSUPPORTED : allocate(m, config);

    if (!err && config->shared)
        err = take_shared_port(m);
    if (!err)
        err = start_workers(m, config);
    if (err) {
        release(m);
        return err;
    }
    m->hook.run = drain_messages;
    loop_hook_add(m->loop, &m->hook);
    *out = m;
    return OK;
}

void media_close(struct media *m)
{
    if (!m)
        return;
    loop_hook_remove(&m->hook);
    stop_workers(m, m->workers);
    for (uint32_t i = 0; i < m->archives; i++)
        archive_close(m->archive[i]);
    for (uint32_t i = 0; i < m->legs.peak; i++) {
        struct media_leg *l = pool_at(&m->legs, i);

        if (m->generation[i] & 1) /* odd: in use */
            media_leg_release(l);
    }
    release(m);
}

struct sound_cache *media_sounds(struct media *m)
{
    return m->sounds;
}

static void add(struct media_metrics *out, const struct worker_counters *c)
{
    out->rtp_received += c->rtp_received;
    out->rtp_sent += c->rtp_sent;
    out->rtp_relayed += c->rtp_relayed;
    out->rtp_invalid += c->rtp_invalid;
    out->rtp_rejected += c->rtp_rejected;
    out->rtcp_received += c->rtcp_received;
    out->rtcp_sent += c->rtcp_sent;
    out->rtcp_invalid += c->rtcp_invalid;
    out->send_failed += c->send_failed;
    out->receive_starved += c->receive_starved;
    out->srtp_forged += c->srtp_forged;
    out->srtp_replayed += c->srtp_replayed;
    out->srtp_unsealed += c->srtp_unsealed;
    out->shared_received += c->shared_received;
    out->shared_sent += c->shared_sent;
    out->concealed += c->concealed;
    out->late += c->late;
    out->discarded += c->discarded;
    out->ticks += c->ticks;
    out->ticks_skipped += c->ticks_skipped;
    out->events_dropped += c->events_dropped;
    out->cpu_us += c->cpu_us;
    if (c->at_us > out->at_us)
        out->at_us = c->at_us;
}

static void add_archives(const struct media *m, struct media_metrics *out)
{
    struct archive_metrics a = {0};

    for (uint32_t i = 0; i < m->archives; i++)
        archive_metrics(m->archive[i], &a);
    out->recordings = a.recordings;
    out->recordings_failed = a.failed;
    out->recorded_bytes = a.written_bytes;
    out->recording_lost_bytes = a.lost_bytes;
    out->recording_blocks_lost = a.lost_blocks;
    out->recording_cpu_us = a.cpu_us;
    out->recordings_open = a.open;
    out->recording_complexity = a.complexity;
}

void media_metrics(struct media *m, struct media_metrics *out)
{
    memset(out, 0, sizeof(*out));
    hist_reset(&out->tick_late_us);
    hist_reset(&out->tick_work_us);
    for (uint32_t i = 0; i < m->workers; i++) {
        struct worker_shared *s = &m->worker[i].shared;

        if (worker_shared_take(s, true)) {
            m->latest[i] = s->counters;
            worker_shared_give(s, SHARED_FREE);
        }
        add(out, &m->latest[i]);
        if (m->latest[i].restarts == m->restarts) {
            hist_merge(&out->tick_late_us, &m->latest[i].late_us);
            hist_merge(&out->tick_work_us, &m->latest[i].work_us);
        }
    }
    add_archives(m, out);
    out->legs = m->legs.used;
    out->legs_peak = m->legs.peak;
    out->legs_opened = m->legs_opened;
    out->legs_refused = m->legs.refused;
    for (uint32_t i = 0; i < m->ranges; i++) {
        out->ports_refused += m->range[i].ports.refused;
        out->ports_free += m->range[i].ports.count;
    }
    out->commands_refused = m->commands_refused;
    out->moves = m->moves;
}

void media_metrics_restart(struct media *m)
{
    m->restarts++;
    for (uint32_t i = 0; i < m->workers; i++)
        atomic_store_explicit(&m->worker[i].shared.restarts, m->restarts, memory_order_release);
}

size_t media_leg_bytes_idle(void)
{
    return sizeof(struct media_leg) + sizeof(struct stream);
}

size_t media_leg_bytes_active(void)
{
    return media_leg_bytes_idle() + sizeof(struct hearing);
}
