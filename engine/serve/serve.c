/* The service as a whole: opened, kept running, read anew, drained. */
#include "serve/internal.h"

#include <errno.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>

#include "base/log.h"
#include "dsp/prints.h"
#include "flow/speech.h"
#include "io/limits.h"
#include "io/tls.h"
#include "media/sound.h"
#include "sip/ua.h"

#define TICK_MS            100
#define LEAVE_MS           2000 /* for the far sides' last answers, after we hung up */
#define FILES_PER_CALL     4    /* RTP, RTCP, recording and its index */
#define FILES_BESIDE_CALLS 256
#define RECORDS_WAIT_MS    10000

/* ---- opening ---- */

static enum err make_folder(const char *path, char *error)
{
    if (mkdir(path, 0755) == 0 || errno == EEXIST)
        return OK;
    snprintf(error, SERVE_ERROR_MAX, "the folder %.400s cannot be made: %s", path, strerror(errno));
    return ERR_IO;
}

static enum err open_folders(struct serve *s, const struct numbers *n, char *error)
{
    const char *dir = s->config.data_dir ? s->config.data_dir : n->name;

    if (slice_copy(slice_cstr(dir), s->data_dir, sizeof s->data_dir) != OK) {
        snprintf(error, SERVE_ERROR_MAX, "--data: the path is too long");
        return ERR_TOO_LONG;
    }
    snprintf(s->recording_dir, sizeof s->recording_dir, "%s/recordings", s->data_dir);
    snprintf(s->speech_dir, sizeof s->speech_dir, "%s/speech", s->data_dir);
    enum err e = make_folder(s->data_dir, error);
    return e == OK ? make_folder(s->recording_dir, error) : e;
}

static enum err open_records(struct serve *s, const struct numbers *n, char *error)
{
    char jsonl[NUMBERS_PATH_MAX + 16], sqlite[NUMBERS_PATH_MAX + 16], why[RECORDS_ERROR_MAX];
    struct records_config config = {
        .jsonl_path = jsonl, .sqlite_path = sqlite, .campaign = n->name, .zone = "UTC"};

    snprintf(jsonl, sizeof jsonl, "%s/calls.jsonl", s->data_dir);
    snprintf(sqlite, sizeof sqlite, "%s/calls.sqlite", s->data_dir);
    enum err e = records_open(&s->records, &config, why);
    if (e != OK)
        snprintf(error, SERVE_ERROR_MAX, "%s", why);
    return e;
}

static enum err open_health(struct serve *s, const struct numbers *n, char *error)
{
    const struct health_config config = {
        .late_limit_ms = n->late_limit_ms, .path = s->config.health_path, .who = "serve"};
    enum err e = health_open(&s->health, s->env, &config);

    if (e != OK)
        snprintf(error, SERVE_ERROR_MAX, "--health %.400s: %s", config.path ? config.path : "",
                 err_name(e));
    return e;
}

static const char *or_null(const char *text)
{
    return text[0] ? text : NULL;
}

_Static_assert(NUMBERS_ALSO_MAX < CALL_PLACES_MAX, "each address is a place");

static enum err open_calls(struct serve *s, const struct numbers *n, char *error)
{
    const struct tls_config tls = {.authorities = or_null(n->tls.authorities),
                                   .revoked = or_null(n->tls.crl),
                                   .certificate = or_null(n->tls.certificate),
                                   .key = or_null(n->tls.key),
                                   .client_certificates = n->tls.client_certificates,
                                   .stapling = (enum tls_stapling)n->tls.stapling};
    struct call_place places[NUMBERS_ALSO_MAX] = {0};
    struct call_env_config env = {
        .loop = s->loop,
        .sip_local = n->sip,
        .sip_advertised = n->sip_advertised,
        .sip_dscp = n->sip_dscp,
        .places = places,
        .place_count = n->also_count,
        .tcp = n->tcp,
        .tls = n->has_tls ? &tls : NULL,
        .srtp = (enum call_srtp)n->srtp,
        .refuses_clear_keys = n->refuses_clear_keys,
        .srtp_mki = (uint8_t)n->srtp_mki,
        .rekey_ms = n->rekey_ms,
        .srtp_lifetime = n->srtp_lifetime,
        .media_advertised = n->media_advertised,
        .media_dscp = n->media_dscp,
        .media_alive_ms = n->media_alive_ms,
        .codecs = n->codecs,
        .media_local = n->media,
        .media_port_min = n->media_port_min,
        .media_port_max = n->media_port_max,
        .media_workers = n->media_workers,
        .media_shared = n->media_shared,
        .max_calls = n->calls,
        .prints = s->prints,
        .incoming = visit_incoming,
        .arg = s,
    };
    uint64_t wanted = (uint64_t)n->calls * FILES_PER_CALL + FILES_BESIDE_CALLS, got = 0;
    char text[ADDR_TEXT_MAX];

    if (limits_raise_files(wanted, &got) != OK)
        log_warn("serve", "the system allows fewer open files than `calls` may need",
                 "wanted=%llu allowed=%llu", (unsigned long long)wanted, (unsigned long long)got);
    for (uint32_t i = 0; i < n->also_count; i++)
        places[i].sip = n->also[i];
    if (n->tls.port) {
        env.tls_local = n->sip;
        addr_set_port(&env.tls_local, (uint16_t)n->tls.port);
    }
    enum err e = call_env_open(&s->env, &env);
    if (e == OK && n->trunk.tls_name[0])
        e = sip_ua_tls_name(call_env_ua(s->env), &n->trunk.address, n->trunk.tls_name);
    if (e != OK)
        snprintf(error, SERVE_ERROR_MAX,
                 "calls cannot be taken at %s (%s): is another program using that address, and are "
                 "the media ports free?",
                 addr_format(&n->sip, text, sizeof text), err_name(e));
    return e == OK ? open_health(s, n, error) : e;
}

static void on_store(void *arg, bool up, const char *why)
{
    (void)arg;
    if (up)
        log_info("serve", "the store is there", "%s", "");
    else
        log_warn("serve", "the store is away: what flows ask of it fails until it is back",
                 "why=\"%s\"", why);
}

static enum err open_store(struct serve *s, char *error)
{
    struct store_config config = {
        .loop = s->loop, .url = s->config.redis_url, .on_state = on_store, .arg = s};
    char why[REDIS_SERVER_ERROR_MAX];

    if (!config.url) {
        enum err e = redis_server_open(&s->server, s->data_dir, why);

        if (e != OK) {
            snprintf(error, SERVE_ERROR_MAX, "%s", why);
            return e;
        }
        config.url = redis_server_url(s->server);
    }
    enum err e = store_open(&s->store, &config);
    if (e != OK)
        snprintf(error, SERVE_ERROR_MAX,
                 "the Redis URL '%.200s' cannot be used; redis://[:PASSWORD@]HOST:PORT[/DB] and "
                 "unix:/PATH are accepted",
                 config.url);
    return e;
}

static enum err open_parts(struct serve *s, char *error)
{
    struct numbers *n = NULL;
    enum err e = numbers_load(&n, s->config.path, error);

    if (e != OK)
        return e;
    e = open_folders(s, n, error);
    if (e == OK)
        e = open_records(s, n, error);
    if (e == OK)
        e = open_store(s, error);
    if (e == OK && n->prints[0])
        e = prints_load(&s->prints, n->prints, error);
    if (e == OK)
        e = open_calls(s, n, error);
    if (e == OK)
        e = host_open_desk(s, n, error);
    if (e == OK)
        e = host_open_legs(s, n);
    if (e == OK)
        e = pool_init(&s->visits, sizeof(struct visit), n->calls);
    if (e != OK) {
        numbers_free(n);
        return e;
    }
    e = book_open(s, n, &s->book, error);
    if (e == OK)
        list_push_back(&s->books, &s->book->node);
    return e;
}

enum err serve_open(struct serve **out, const struct serve_config *config, char *error)
{
    struct serve *s = calloc(1, sizeof *s);

    error[0] = '\0';
    if (!s) {
        snprintf(error, SERVE_ERROR_MAX, "out of memory");
        return ERR_NOMEM;
    }
    s->config = *config;
    s->loop = config->loop;
    list_init(&s->books);
    list_init(&s->live);
    list_init(&s->waiting);
    timer_init(&s->tick);
    enum err e = open_parts(s, error);
    if (e != OK) {
        if (!error[0])
            snprintf(error, SERVE_ERROR_MAX, "it cannot start: %s", err_name(e));
        serve_close(s);
        return e;
    }
    *out = s;
    return OK;
}

void serve_close(struct serve *s)
{
    if (!s)
        return;
    loop_timer_stop(s->loop, &s->tick);
    list_each(n, next, &s->books)
    {
        book_close(container_of(n, struct book, node));
    }
    desk_close(s->desk);
    if (s->hold_music)
        sound_unref(s->hold_music);
    store_close(s->store);
    redis_server_close(s->server);
    health_close(s->health);
    if (s->env)
        call_env_close(s->env);
    prints_close(s->prints);
    if (s->records)
        records_close(s->records, NULL);
    pool_fini(&s->visits);
    pool_fini(&s->legs);
    while (s->lines) {
        struct serve_line *l = s->lines;

        s->lines = l->next;
        free(l);
    }
    free(s);
}

/* ---- reading the file again ---- */

/* What calls stand on cannot change under them. */
static const char *needs_restart(const struct numbers *was, const struct numbers *is)
{
    if (strcmp(was->name, is->name) != 0)
        return "name";
    if (strcmp(was->prints, is->prints) != 0)
        return "prints";
    if (memcmp(&was->codecs, &is->codecs, sizeof(was->codecs)) != 0)
        return "codecs";
    if (!numbers_network_same(was, is))
        return "sip or tls";
    if (!numbers_media_same(was, is))
        return "media";
    if (was->agent_count != is->agent_count ||
        (is->agent_count &&
         memcmp(was->agent, is->agent, is->agent_count * sizeof *is->agent) != 0) ||
        memcmp(&was->groups, &is->groups, sizeof is->groups) != 0)
        return "agents";
    if (was->hold.key != is->hold.key || strcmp(was->hold.music, is->hold.music) != 0)
        return "hold";
    if (strcmp(was->supervision_pin, is->supervision_pin) != 0)
        return "supervision";
    return was->calls != is->calls ? "calls" : NULL;
}

static void reload(struct serve *s)
{
    char error[SERVE_ERROR_MAX];
    struct numbers *n = NULL;
    struct book *b = NULL;
    const struct book *was = s->book;
    enum err e = numbers_load(&n, s->config.path, error);

    if (e == OK && needs_restart(was->numbers, n)) {
        snprintf(error, sizeof error, "%.300s: %s: it takes effect at the next start only",
                 s->config.path, needs_restart(was->numbers, n));
        numbers_free(n);
        e = ERR_INVALID;
    } else if (e == OK) {
        e = book_open(s, n, &b, error);
    }
    if (e != OK) {
        s->counts.reloads_refused++;
        log_error("serve", "the file is not taken; the numbers stay as they were", "why=\"%s\"",
                  error);
        return;
    }
    s->book = b;
    health_set_limit(s->health, n->late_limit_ms);
    list_push_back(&s->books, &b->node);
    s->counts.reloads++;
    log_warn("serve", "the file is taken", "path=%s numbers=%u", s->config.path, b->numbers->count);
    s->look_at_books = true;
}

void serve_reload(struct serve *s)
{
    atomic_fetch_add(&s->reload_asked, 1);
    loop_wake(s->loop);
}

/* ---- the end ---- */

void serve_stop(struct serve *s)
{
    atomic_fetch_add(&s->stop_asked, 1);
    loop_wake(s->loop);
}

static void hang_up_all(struct serve *s)
{
    s->hung_up = true;
    s->end_by_ms = loop_now_ms(s->loop) + LEAVE_MS;
    list_each(n, next, &s->books)
    {
        flow_stop_all(container_of(n, struct book, node)->runtime);
    }
}

/* True: nothing is left to wait for. */
static bool drain(struct serve *s, uint32_t asked)
{
    uint64_t now_ms = loop_now_ms(s->loop);

    if (!s->draining) {
        s->draining = true;
        s->end_by_ms = now_ms + s->book->numbers->drain_ms;
    }
    if (list_empty(&s->live) && books_idle(s)) {
        desk_stop(s->desk);
        supervise_end(&s->supervision);
        if (call_env_count(s->env) == 0)
            return true;
        if (!s->hung_up) { /* the agents' legs have their BYE */
            s->hung_up = true;
            s->end_by_ms = now_ms + LEAVE_MS;
        }
    }
    if (!s->hung_up && (asked > 1 || now_ms >= s->end_by_ms))
        hang_up_all(s);
    return s->hung_up && now_ms >= s->end_by_ms;
}

static void on_tick(struct timer *t)
{
    struct serve *s = container_of(t, struct serve, tick);
    uint32_t reloads = atomic_load(&s->reload_asked), stops = atomic_load(&s->stop_asked);

    if (reloads != s->reloads_done && !s->draining) {
        s->reloads_done = reloads;
        reload(s);
    }
    if (s->look_at_books) {
        s->look_at_books = false;
        books_sweep(s);
    }
    if (stops && drain(s, stops)) {
        loop_stop(s->loop);
        return;
    }
    loop_timer(s->loop, t, TICK_MS, on_tick);
}

static void say_end(const struct serve *s)
{
    const struct serve_counts *c = &s->counts;

    printf("peal serve: %llu calls came, %llu answered; refused: %llu to unknown numbers, %llu for "
           "lack of room, %llu while draining, %llu while the audio was late, %llu by a fault\n",
           (unsigned long long)c->incoming, (unsigned long long)c->answered,
           (unsigned long long)c->refused_unknown, (unsigned long long)c->refused_full,
           (unsigned long long)c->refused_draining, (unsigned long long)c->refused_late,
           (unsigned long long)c->failed);
    for (const struct serve_line *l = s->lines; l; l = l->next)
        if (l->calls || l->full)
            printf("  %s: %llu calls, %u at once at most, %llu refused\n", l->key,
                   (unsigned long long)l->calls, l->peak, (unsigned long long)l->full);
    const struct speech_stats *said = flow_speech_stats(s->book->runtime);
    if (said && (said->spoken || said->refused))
        printf("  speech: %llu texts spoken, %llu failed, %u waited for at once at most, %llu "
               "refused because too many waited\n",
               (unsigned long long)said->spoken, (unsigned long long)said->failed,
               said->wanted_peak, (unsigned long long)said->refused);
    fflush(stdout);
}

enum err serve_run(struct serve *s, char *error)
{
    char text[ADDR_TEXT_MAX];

    if (!s->config.quiet) {
        printf("peal serve: listening on %s, %u numbers\n",
               addr_format(sip_ua_local(call_env_ua(s->env)), text, sizeof text),
               s->book->numbers->count);
        fflush(stdout);
    }
    desk_start(s->desk);
    loop_timer(s->loop, &s->tick, TICK_MS, on_tick);
    loop_run(s->loop);
    loop_turn(s->loop, 0);
    visit_give_up(s);
    if (!s->config.quiet)
        say_end(s);
    if (records_sync(s->records, RECORDS_WAIT_MS) == OK && s->counts.records_lost == 0)
        return OK;
    snprintf(error, SERVE_ERROR_MAX, "not every call's record could be written to %.300s",
             s->data_dir);
    return ERR_IO;
}
