/* A table by name, filled in the order the trunks are met. */
#include "report/trunks.h"

#include <string.h>

#include "base/json.h"
#include "report/input.h"

static struct trunk_audio *find(struct trunks *t, const char *name)
{
    for (uint32_t i = 0; i < t->count; i++)
        if (strcmp(t->trunk[i].name, name) == 0)
            return &t->trunk[i];
    if (t->count == TRUNKS_MAX)
        return NULL;
    slice_copy(slice_cstr(name), t->trunk[t->count].name, sizeof(t->trunk[0].name));
    return &t->trunk[t->count++];
}

static void add_mos(struct trunk_mos *m, double mos)
{
    m->calls++;
    m->low += mos < TRUNKS_LOW_MOS;
    m->sum += mos;
}

void trunks_add(struct trunks *t, const struct input *record)
{
    const char *name = input_text(input_get(record, "trunk"));
    const struct input *media = input_get(record, "media");

    if (!name || !name[0])
        return;
    struct trunk_audio *a = find(t, name);

    if (!a) {
        t->overflow++;
        return;
    }
    bool answered = input_is_number(input_get(input_get(record, "times"), "answered"));
    uint64_t received = input_u64(input_get(media, "received"));
    double mos = input_num(input_get(media, "mos_estimated"));
    const char *scale = input_text(input_get(media, "mos_scale"));
    bool is_wide = scale && strcmp(scale, "wideband") == 0;
    uint64_t jitter_us = input_u64(input_get(media, "jitter_us"));
    uint64_t rtt_us = input_u64(input_get(media, "rtt_us"));

    a->calls++;
    a->answered += answered;
    a->no_audio += answered && received == 0;
    a->received += received;
    a->lost += input_u64(input_get(media, "lost"));
    a->discarded += input_u64(input_get(media, "discarded"));
    if (mos > 0)
        add_mos(is_wide ? &a->wide : &a->narrow, mos);
    a->with_jitter += jitter_us > 0;
    a->jitter_ms_sum += (double)jitter_us / 1000;
    a->with_rtt += rtt_us > 0;
    a->rtt_ms_sum += (double)rtt_us / 1000;
}

static void put_mean(struct json *j, const char *name, double sum, uint64_t of)
{
    if (of)
        json_num(j, name, (double)(int64_t)(sum / (double)of * 100 + 0.5) / 100);
    else
        json_put_null(j, name);
}

void trunks_put(const struct trunks *t, struct json *j)
{
    json_begin_array(j, "trunks");
    for (uint32_t i = 0; i < t->count; i++) {
        const struct trunk_audio *a = &t->trunk[i];
        uint64_t expected = a->received + a->lost;

        json_begin_object(j, NULL);
        json_cstr(j, "name", a->name);
        json_u64(j, "calls", a->calls);
        json_u64(j, "answered", a->answered);
        json_u64(j, "answered_without_audio", a->no_audio);
        put_mean(j, "lost_percent", 100.0 * (double)a->lost, expected);
        put_mean(j, "discarded_percent", 100.0 * (double)a->discarded, expected);
        put_mean(j, "mos_estimated", a->narrow.sum, a->narrow.calls);
        put_mean(j, "mos_wideband_estimated", a->wide.sum, a->wide.calls);
        json_u64(j, "calls_below_mos_3_6", a->narrow.low + a->wide.low);
        put_mean(j, "jitter_ms", a->jitter_ms_sum, a->with_jitter);
        put_mean(j, "rtt_ms", a->rtt_ms_sum, a->with_rtt);
        json_end(j);
    }
    json_end(j);
}
