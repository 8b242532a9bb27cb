/* The records as a Redis stream (`records: { stream: NAME, keep: N }`): each
 * line of the journal that is safe on disk becomes an entry, in the journal's
 * order and once (queue/stream.h). Nothing waits for it: the journal is the
 * queue, a mark in Redis says how far it is in the stream, and after Redis was
 * away, or this engine, it goes on from there.
 *
 * The mark is "OFFSET LENGTH HASH" of the line added last and its id. Where the
 * journal has another line there (old records were removed from it), the line
 * is looked for by its id; where it is gone too, or there is no mark, the
 * stream gets the whole journal: better twice than never, and ids tell. */
#include "dialer/internal.h"

#include <stdio.h>
#include <stdlib.h>

#include "base/hash.h"
#include "base/log.h"
#include "queue/stream.h"
#include "report/history_out.h"
#include "report/tail.h"

#define LOOK_MS    100   /* at the journal's end, and when Redis did not answer */
#define BATCHES    8     /* a tick */
#define LAST_MS    10000 /* the end of a run waits so long for the stream */
#define READ_BYTES (4 * RECORDS_LINE_MAX)
#define JSON_BYTES (QUEUE_STREAM_BATCH * RECORDS_LINE_MAX)
#define ID_MAX     256
#define HASH_TEXT  17

struct publish {
    struct tail tail;
    enum {
        STREAM_ASKS,  /* where its mark is */
        STREAM_SEEKS, /* the marked line by its id, from the journal's beginning */
        STREAM_ADDS
    } does;
    bool asking, has_room_for_more;
    uint32_t batches;  /* of this tick */
    uint64_t at, next; /* of the journal: what is added next, and after that */
    uint64_t again_ms, last_by_ms;
    char from[QUEUE_STREAM_MARK_MAX + 1], to[QUEUE_STREAM_MARK_MAX + 1];
    char wanted[HASH_TEXT];
    struct queue_stream_entry entries[QUEUE_STREAM_BATCH];
    char ids[QUEUE_STREAM_BATCH][ID_MAX];
    char lines[READ_BYTES], json[JSON_BYTES];
};

enum err publish_open(struct dialer *d, char *error)
{
    char path[CAMPAIGN_PATH_MAX + 16];

    if (!d->campaign->records.stream[0] || d->config.model)
        return OK;
    struct publish *s = d->publish = calloc(1, sizeof(*s));
    snprintf(path, sizeof(path), "%s/calls.jsonl", d->config.data_dir);
    if (!s || tail_open(&s->tail, path) != OK) {
        snprintf(error, DIALER_ERROR_MAX, "%s cannot be read for the stream of records", path);
        return s ? ERR_IO : ERR_NOMEM;
    }
    return OK;
}

void publish_close(struct dialer *d)
{
    if (!d->publish)
        return;
    tail_close(&d->publish->tail);
    free(d->publish);
    d->publish = NULL;
}

static void look(struct dialer *d);

static uint64_t safe_end(struct dialer *d)
{
    struct records_stats r;

    records_look(d->records, &r);
    return r.journal_safe_bytes;
}

static void again_in(struct dialer *d, uint32_t ms)
{
    d->publish->again_ms = loop_now_ms(d->loop) + ms;
}

/* Of a line's id, for the mark: an id may be a person's number, and a mark is
 * no place for it. */
static void hash_of(struct slice line, char hash[HASH_TEXT])
{
    const struct hash_seed seed = {0x70656173, 0x74726561}; /* the same in every run */
    char id[ID_MAX];

    hash[0] = '\0';
    if (tail_id(line, id, sizeof(id)))
        snprintf(hash, HASH_TEXT, "%016llx", (unsigned long long)hash_slice(seed, slice_cstr(id)));
}

/* ---- where it left off ---- */

static void begin_at(struct dialer *d, uint64_t at)
{
    d->publish->at = at;
    d->publish->does = STREAM_ADDS;
    again_in(d, 0);
}

/* The journal's line that ends at `end`, is it the marked one? ERR_AGAIN: not
 * known yet. */
static enum err is_there(struct dialer *d, uint64_t end, uint64_t len, bool *yes)
{
    struct publish *s = d->publish;
    char hash[HASH_TEXT] = "";
    struct slice line;

    *yes = false;
    if (len > end || len > sizeof(s->lines) || end > safe_end(d))
        return OK;
    enum err e = tail_read(&s->tail, end - len, end, s->lines, (size_t)len, &line);

    if (e == OK && line.len == len)
        hash_of(line, hash);
    *yes = hash[0] && strcmp(hash, s->wanted) == 0;
    return e == ERR_AGAIN ? e : OK;
}

static void take_mark(struct dialer *d, struct slice mark)
{
    struct publish *s = d->publish;
    unsigned long long end, len;
    int hash = 0;
    bool yes = false;

    slice_copy(mark, s->from, sizeof(s->from));
    if (!mark.len) {
        begin_at(d, 0);
        return;
    }
    if (sscanf(s->from, "%llu %llu %n", &end, &len, &hash) < 2 || hash == 0)
        end = len = 0;
    slice_copy(slice_cstr(s->from + hash), s->wanted, sizeof(s->wanted));
    if (is_there(d, end, len, &yes) == ERR_AGAIN) {
        again_in(d, LOOK_MS); /* asks for the mark once more */
    } else if (yes) {
        begin_at(d, end);
    } else {
        s->at = 0;
        s->does = STREAM_SEEKS;
        again_in(d, 0);
    }
}

static void on_mark(void *arg, enum err e, struct slice mark)
{
    struct dialer *d = arg;

    if (e == ERR_CANCELLED)
        return;
    d->publish->asking = false;
    if (e == OK)
        take_mark(d, mark);
    else
        again_in(d, LOOK_MS);
}

static void seek_on(struct dialer *d)
{
    struct publish *s = d->publish;
    struct slice rest, line;
    uint64_t at = s->at;
    enum err e = tail_read(&s->tail, at, safe_end(d), s->lines, sizeof(s->lines), &rest);

    if (e == ERR_CLOSED || e == ERR_IO) {
        log_warn("dialer",
                 "the record that the stream had last is not in the journal any more: all of it "
                 "goes there",
                 "stream=%s", d->campaign->records.stream);
        begin_at(d, 0);
        return;
    }
    while (e == OK && rest.len) {
        char hash[HASH_TEXT];

        slice_cut(rest, '\n', &line, &rest);
        at += line.len + 1;
        hash_of(line, hash);
        if (strcmp(hash, s->wanted) == 0) {
            begin_at(d, at);
            return;
        }
    }
    s->at = at;
}

/* ---- adding ---- */

static void on_added(void *arg, enum err e, struct slice mark)
{
    struct dialer *d = arg;
    struct publish *s = d->publish;

    if (e == ERR_CANCELLED)
        return;
    s->asking = false;
    if (e == OK && slice_eq(mark, slice_cstr(s->to))) {
        memcpy(s->from, s->to, sizeof(s->from));
        s->at = s->next;
        again_in(d, s->has_room_for_more ? LOOK_MS : 0);
        if (s->batches < BATCHES)
            look(d);
        return;
    }
    if (e != OK && e != ERR_CLOSED && e != ERR_TIMEOUT)
        log_warn("dialer", "records could not be put into their stream", "error=%s why=\"%s\"",
                 err_name(e), queue_error(d->queue));
    s->does = STREAM_ASKS; /* it is not known, or the mark is elsewhere */
    again_in(d, LOOK_MS);
}

/* One line into the batch; false: there is no room. */
static bool put_line(struct dialer *d, struct slice line, uint32_t *n, size_t *used)
{
    struct publish *s = d->publish;
    size_t len = 0;

    if (*n == QUEUE_STREAM_BATCH || sizeof(s->json) - *used < RECORDS_LINE_MAX)
        return false;
    if (!tail_id(line, s->ids[*n], ID_MAX) ||
        history_json_line(line, d->campaign->zone, s->json + *used, RECORDS_LINE_MAX, &len) != OK) {
        log_warn("dialer", "a line of the journal is no record: not in the stream", "offset=%llu",
                 (unsigned long long)s->next);
        return true;
    }
    s->entries[*n] =
        (struct queue_stream_entry){slice_cstr(s->ids[*n]), slice_of(s->json + *used, len)};
    *used += len;
    ++*n;
    return true;
}

static void add_more(struct dialer *d)
{
    struct publish *s = d->publish;
    struct slice rest, line = SLICE_NONE;
    char last[HASH_TEXT] = "";
    uint64_t last_len = 0;
    uint32_t n = 0;
    size_t used = 0;
    enum err e = tail_read(&s->tail, s->at, safe_end(d), s->lines, sizeof(s->lines), &rest);

    if (e != OK) {
        again_in(d, LOOK_MS);
        return;
    }
    s->next = s->at;
    while (rest.len) {
        struct slice left;

        slice_cut(rest, '\n', &line, &left);
        if (!put_line(d, line, &n, &used))
            break;
        rest = left;
        last_len = line.len + 1;
        s->next += last_len;
        hash_of(line, last);
    }
    s->has_room_for_more = rest.len == 0 && n < QUEUE_STREAM_BATCH;
    snprintf(s->to, sizeof(s->to), "%llu %llu %s", (unsigned long long)s->next,
             (unsigned long long)last_len, last);
    const struct queue_stream_batch batch = {
        .stream = slice_cstr(d->campaign->records.stream),
        .keep = d->campaign->records.keep,
        .from = slice_cstr(s->from),
        .to = slice_cstr(s->to),
        .entries = s->entries,
        .count = n,
    };

    s->asking = queue_stream_add(d->queue, &batch, on_added, d) == OK;
    if (!s->asking)
        again_in(d, LOOK_MS);
}

static void look(struct dialer *d)
{
    struct publish *s = d->publish;

    if (s->asking || !queue_up(d->queue) || loop_now_ms(d->loop) < s->again_ms)
        return;
    s->batches++;
    switch (s->does) {
    case STREAM_ASKS:
        s->asking =
            queue_stream_mark(d->queue, slice_cstr(d->campaign->records.stream), on_mark, d) == OK;
        break;
    case STREAM_SEEKS:
        seek_on(d);
        break;
    case STREAM_ADDS:
        add_more(d);
        break;
    }
}

void publish_look(struct dialer *d)
{
    if (!d->publish)
        return;
    d->publish->batches = 0;
    look(d);
}

bool publish_done(struct dialer *d)
{
    struct publish *s = d->publish;
    uint64_t now = loop_now_ms(d->loop);

    if (!s || (s->does == STREAM_ADDS && !s->asking && s->at >= safe_end(d)))
        return true;
    if (!s->last_by_ms)
        s->last_by_ms = now + LAST_MS;
    if (now < s->last_by_ms)
        return false;
    log_warn("dialer", "the latest records are not in their stream yet; the next start brings them",
             "stream=%s", d->campaign->records.stream);
    return true;
}
