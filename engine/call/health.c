/* The look of each second. */
#include "call/health.h"

#include <stdlib.h>

#include "base/json.h"
#include "base/log.h"
#include "call/internal.h"
#include "io/file.h"
#include "media/window.h"

#define EVERY_MS   1000
#define LINE_MAX   1536
#define CLOSE_WAIT 200 /* × 10 ms */

struct health {
    struct call_env *env;
    const char *who;
    struct timer timer;
    struct media_window *window;
    struct admission admission;
    struct file *file; /* NULL: no lines */
    bool closed;
    uint64_t lines_lost, begin_us;
    struct media_metrics all;
};

static void put_counters(struct json *j, const struct media_metrics *m)
{
    const struct {
        const char *name;
        uint64_t value;
    } all[] = {{"legs", m->legs},
               {"legs_peak", m->legs_peak},
               {"legs_opened", m->legs_opened},
               {"legs_refused", m->legs_refused},
               {"ports_free", m->ports_free},
               {"ports_refused", m->ports_refused},
               {"rtp_received", m->rtp_received},
               {"rtp_sent", m->rtp_sent},
               {"rtp_relayed", m->rtp_relayed},
               {"send_failed", m->send_failed},
               {"receive_starved", m->receive_starved},
               {"concealed", m->concealed},
               {"late", m->late},
               {"discarded", m->discarded},
               {"ticks", m->ticks},
               {"ticks_skipped", m->ticks_skipped},
               {"events_dropped", m->events_dropped},
               {"commands_refused", m->commands_refused},
               {"moves", m->moves},
               {"media_cpu_us", m->cpu_us},
               {"tick_late_p50_us", hist_quantile(&m->tick_late_us, 0.5)},
               {"tick_late_p99_us", hist_quantile(&m->tick_late_us, 0.99)},
               {"tick_late_max_us", m->tick_late_us.max}};

    for (size_t i = 0; i < sizeof(all) / sizeof(all[0]); i++)
        json_u64(j, all[i].name, all[i].value);
}

static void put_line(struct health *h, const struct media_lateness *late)
{
    char line[LINE_MAX];
    struct buf b = buf_on(line, sizeof(line));
    struct loop *l = h->env->loop;
    struct json j;

    json_init(&j, &b);
    json_begin_object(&j, NULL);
    json_u64(&j, "at_wall_ms", clock_wall_ms(l->clock));
    json_u64(&j, "up_ms", (l->now_us - h->begin_us) / 1000);
    json_u64(&j, "calls", h->env->calls.used);
    /* of the last second, of the worst worker */
    json_u64(&j, "late_p50_us", late->p50_us);
    json_u64(&j, "late_us", late->late_us);
    json_u64(&j, "slots", late->slots);
    json_u64(&j, "slots_skipped", late->skipped);
    json_bool(&j, "admits", !h->admission.closed);
    json_u64(&j, "closed_times", h->admission.closed_times);
    json_u64(&j, "closed_s", h->admission.closed_s);
    json_u64(&j, "calls_refused", h->admission.refused);
    put_counters(&j, &h->all);
    json_end(&j);
    buf_putc(&b, '\n');
    if (buf_end(&b) != OK || file_write(h->file, line, b.len) != OK)
        h->lines_lost++;
}

static void tell_admission(struct health *h)
{
    char why[ADMISSION_TEXT_MAX];

    if (h->admission.closed)
        log_warn(h->who, "no new calls are taken for now", "why=\"%s\" calls=%u",
                 admission_why(&h->admission, why), h->env->calls.used);
    else
        log_warn(h->who, "new calls are taken again: audio is in time", "late_us=%llu calls=%u",
                 (unsigned long long)h->admission.late_us, h->env->calls.used);
}

static void on_second(struct timer *t)
{
    struct health *h = container_of(t, struct health, timer);
    struct media_lateness late;

    media_window_take(h->window, &late, &h->all);
    if (admission_judge(&h->admission, late.late_us, late.skipped))
        tell_admission(h);
    if (h->file)
        put_line(h, &late);
    loop_timer(h->env->loop, t, EVERY_MS, on_second);
}

enum err health_open(struct health **out, struct call_env *env, const struct health_config *config)
{
    struct health *h = NULL;
    enum err e = OK;

    *out = NULL;
    if (!env->media)
        return OK;
    h = calloc(1, sizeof(*h));
    if (!h)
        return ERR_NOMEM;
    h->env = env;
    h->who = config->who;
    h->begin_us = env->loop->now_us;
    timer_init(&h->timer);
    admission_init(&h->admission, (uint64_t)config->late_limit_ms * 1000);
    e = media_window_open(&h->window, env->media);
    if (e == OK && config->path)
        e = file_open(&h->file, env->loop, config->path);
    if (e != OK) {
        media_window_close(h->window);
        free(h);
        return e;
    }
    loop_timer(env->loop, &h->timer, EVERY_MS, on_second);
    *out = h;
    return OK;
}

static void on_closed(void *arg, const struct file_result *result)
{
    struct health *h = arg;

    h->closed = true;
    if (result->err != OK || h->lines_lost)
        log_warn(h->who, "the health file is not whole", "error=%s lines_lost=%llu",
                 err_name(result->err), (unsigned long long)h->lines_lost);
}

void health_close(struct health *h)
{
    if (!h)
        return;
    loop_timer_stop(h->env->loop, &h->timer);
    if (h->file) {
        file_close(h->file, on_closed, h);
        for (int i = 0; i < CLOSE_WAIT && !h->closed; i++)
            loop_turn(h->env->loop, 10000);
        if (!h->closed) /* a disk that hangs: its answer must not find us gone */
            return;
    }
    media_window_close(h->window);
    free(h);
}

bool health_admits(const struct health *h)
{
    return !h || !h->admission.closed;
}

void health_set_limit(struct health *h, uint32_t late_limit_ms)
{
    if (h)
        admission_set_limit(&h->admission, (uint64_t)late_limit_ms * 1000);
}

struct admission *health_admission(struct health *h)
{
    return h ? &h->admission : NULL;
}
