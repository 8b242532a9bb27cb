/* Recording of legs, on the control thread: tapes are made here, handed to the leg's worker and to
 * the archive that writes them, and come back when the disk has everything.
 *
 * A leg that is closed waits for its recording, so that its owner hears of it before the end; of a
 * disk that does not answer it waits RECORD_END_MAX_MS, and the recording goes on by itself. */
#include <string.h>

#include "base/log.h"
#include "media/control.h"

#define RECORD_END_MAX_MS 3000
#define TAPES_SPARE       64 /* recordings whose legs are gone */

static struct archive *least_loaded(struct media *m)
{
    struct archive *best = NULL;

    for (uint32_t i = 0; i < m->archives; i++)
        if (!best || archive_load(m->archive[i]) < archive_load(best))
            best = m->archive[i];
    return best;
}

/* The threads are begun when a recording first needs one: a program that records none has none. */
static enum err archive_for(struct media *m, struct archive **out)
{
    *out = least_loaded(m);
    if (m->archives < m->archives_wanted && (!*out || archive_load(*out) > 0)) {
        struct archive *another;
        enum err e = archive_open(&another, m->loop, m->max_legs + TAPES_SPARE);

        if (e && !*out)
            return e;
        if (!e)
            m->archive[m->archives++] = *out = another;
    }
    return archive_has_room(*out) ? OK : ERR_FULL;
}

enum err media_leg_record_arm(struct media_leg *l, uint32_t prebuffer_ms)
{
    struct command c = {.kind = COMMAND_RECORD_ARM};

    if (l->closing || l->tape)
        return ERR_STATE;
    c.tape = tape_open(prebuffer_ms);
    if (!c.tape)
        return ERR_NOMEM;
    c.tape->masked = l->masked; /* the worker's, once it has it */
    media_leg_make_hearing(l);
    enum err e = media_post(l, &c);

    if (e)
        tape_close(c.tape);
    else
        l->tape = c.tape;
    return e;
}

enum err media_leg_record(struct media_leg *l, const struct media_record *how)
{
    struct media *m = l->media;
    struct archive *archive;
    struct command c = {.kind = COMMAND_RECORD};

    if (l->closing || l->recording)
        return ERR_STATE;
    enum err e = archive_for(m, &archive);

    if (!e && !l->tape)
        e = media_leg_record_arm(l, 0);
    if (!e)
        e = tape_describe(l->tape, how);
    c.tape = l->tape;
    if (!e)
        e = media_post(l, &c);
    if (e)
        return e;
    l->tape->leg = l->stream->index;
    l->tape->generation = l->stream->generation;
    archive_take(archive, l->tape);
    l->recording = true;
    return OK;
}

void media_leg_record_stop(struct media_leg *l)
{
    struct command c = {.kind = COMMAND_RECORD_STOP};

    if (!l->recording || l->stopping || l->closing)
        return;
    l->stopping = media_post(l, &c) == OK;
}

void media_leg_record_mask(struct media_leg *l, bool on)
{
    struct command c = {.kind = COMMAND_RECORD_MASK, .on = on};

    l->masked = on;
    if (l->tape && !l->closing)
        media_post(l, &c);
}

void media_leg_record_mark(struct media_leg *l, uint64_t at_us, const char *event,
                           const char *detail)
{
    if (l->recording)
        archive_mark(l->tape->archive, l->tape, at_us, event, detail);
}

bool media_leg_is_recording(const struct media_leg *l)
{
    return l->recording && !l->stopping;
}

static void tell_recorded(struct media_leg *l, const struct recorder_result *r)
{
    struct media_event e = {.kind = MEDIA_EV_RECORDED,
                            .at_us = clock_us(&l->media->clock),
                            .err = r->err,
                            .sys_errno = r->sys_errno,
                            .seconds = r->seconds,
                            .lost_bytes = r->lost_bytes};

    l->tape = NULL;
    l->recording = l->stopping = false;
    if (l->handler)
        l->handler(l->arg, l, &e);
}

static void one_ended(struct media *m, const struct tape *t, const struct recorder_result *r)
{
    struct media_leg *l;

    if (m->generation[t->leg] != t->generation)
        return; /* it has outlived its leg */
    l = pool_at(&m->legs, t->leg);
    tell_recorded(l, r);
    if (!l->closed)
        return;
    loop_timer_stop(m->loop, &l->closed_limit);
    media_leg_ended(l, clock_us(&m->clock));
}

void media_recordings_ended(struct media *m)
{
    struct recorder_result r;
    struct tape *t;

    for (uint32_t i = 0; i < m->archives; i++) {
        while ((t = archive_ended(m->archive[i], &r))) {
            one_ended(m, t, &r);
            archive_free(m->archive[i], t);
        }
    }
}

static void end_limit(struct timer *t)
{
    struct media_leg *l = container_of(t, struct media_leg, closed_limit);
    struct media *m = l->media;
    struct recorder_result r = {.err = ERR_TIMEOUT};

    log_warn("media", "the disk has not taken a recording yet; its call ends without it", "path=%s",
             l->tape->path);
    m->recordings_timed_out++;
    tell_recorded(l, &r);
    media_leg_ended(l, clock_us(&m->clock));
}

bool media_leg_record_lasts(struct media_leg *l)
{
    if (!l->recording)
        return false;
    l->closed = true;
    timer_init(&l->closed_limit);
    loop_timer(l->media->loop, &l->closed_limit, RECORD_END_MAX_MS, end_limit);
    return true;
}

void media_leg_record_release(struct media_leg *l)
{
    if (l->closed)
        loop_timer_stop(l->media->loop, &l->closed_limit);
    if (!l->recording)
        tape_close(l->tape); /* it only remembered */
}
