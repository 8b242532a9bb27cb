/* See record_index.h. */
#include "media/record_index.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/json.h"
#include "media/outlet.h"
#include "media/tape.h"

#define LINE_MAX_BYTES 1024

struct pending {
    uint64_t at_us;
    char event[RECORD_INDEX_TEXT_MAX], detail[RECORD_INDEX_TEXT_MAX];
};

struct record_index {
    struct outlet out;
    bool started;
    uint64_t start_us;
    uint32_t pending_count, refused;
    struct pending pending[RECORD_INDEX_PENDING];
};

static void put_line(struct record_index *x, struct json *j)
{
    json_end(j);
    buf_putc(j->out, '\n');
    if (buf_end(j->out) != OK)
        return;
    outlet_write(&x->out, j->out->p, j->out->len);
    outlet_flush(&x->out);
}

enum err record_index_open(struct record_index **out, struct loop *l,
                           const struct media_record *how, uint64_t wall_ms)
{
    char path[RECORD_PATH_MAX + sizeof(RECORD_INDEX_SUFFIX)], text[LINE_MAX_BYTES], utc[32];
    struct record_index *x = calloc(1, sizeof(*x));
    const char *slash = strrchr(how->path, '/');
    struct buf b = buf_on(text, sizeof(text));
    struct json j;

    if (!x)
        return ERR_NOMEM;
    snprintf(path, sizeof(path), "%s%s", how->path, RECORD_INDEX_SUFFIX);
    enum err e = outlet_open(&x->out, l, path, how->key, wall_ms, how->keep_until_ms);
    if (e) {
        free(x);
        return e;
    }
    json_init(&j, &b);
    json_begin_object(&j, NULL);
    json_u64(&j, "peal_recording", 1);
    json_cstr(&j, "audio", slash ? slash + 1 : how->path);
    json_cstr(&j, "format", how->format == RECORD_OPUS ? "opus" : "wav");
    json_u64(&j, "channels", how->stereo ? 2 : 1);
    if (how->owner)
        json_cstr(&j, "owner", how->owner);
    if (how->call_id)
        json_cstr(&j, "call_id", how->call_id);
    clock_format_utc(wall_ms, utc, sizeof(utc));
    json_cstr(&j, "opened", utc);
    json_u64(&j, "opened_ms", wall_ms);
    if (how->keep_until_ms)
        json_u64(&j, "keep_until_ms", how->keep_until_ms);
    put_line(x, &j);
    *out = x;
    return OK;
}

static void put_event(struct record_index *x, uint64_t at_us, const char *event, const char *detail,
                      uint64_t started_ms)
{
    char text[LINE_MAX_BYTES];
    struct buf b = buf_on(text, sizeof(text));
    struct json j;

    json_init(&j, &b);
    json_begin_object(&j, NULL);
    json_i64(&j, "at_ms", ((int64_t)at_us - (int64_t)x->start_us) / 1000);
    json_cstr(&j, "event", event);
    if (detail[0])
        json_cstr(&j, "detail", detail);
    if (started_ms)
        json_u64(&j, "started_ms", started_ms);
    put_line(x, &j);
}

void record_index_start(struct record_index *x, uint64_t start_us, uint64_t wall_ms)
{
    x->started = true;
    x->start_us = start_us;
    put_event(x, start_us, "start", "", wall_ms);
    for (uint32_t i = 0; i < x->pending_count; i++)
        put_event(x, x->pending[i].at_us, x->pending[i].event, x->pending[i].detail, 0);
    x->pending_count = 0;
}

void record_index_event(struct record_index *x, uint64_t at_us, const char *event,
                        const char *detail)
{
    if (x->started) {
        put_event(x, at_us, event, detail, 0);
        return;
    }
    if (x->pending_count == RECORD_INDEX_PENDING) {
        x->refused++;
        return;
    }
    struct pending *p = &x->pending[x->pending_count++];

    p->at_us = at_us;
    snprintf(p->event, sizeof(p->event), "%s", event);
    snprintf(p->detail, sizeof(p->detail), "%s", detail);
}

struct file *record_index_close(struct record_index *x, uint64_t blocks, uint64_t lost_bytes,
                                file_closed_fn *closed, void *arg)
{
    struct file *file = x->out.file;
    char text[LINE_MAX_BYTES];
    struct buf b = buf_on(text, sizeof(text));
    struct json j;

    json_init(&j, &b);
    json_begin_object(&j, NULL);
    json_u64(&j, "at_ms", blocks * TAPE_BLOCK_US / 1000);
    json_cstr(&j, "event", "end");
    json_u64(&j, "lost_bytes", lost_bytes);
    if (x->refused)
        json_u64(&j, "events_refused", x->refused);
    put_line(x, &j);
    outlet_close(&x->out, closed, arg);
    free(x);
    return file;
}
