/* The campaign's state, which people change with `peal pause` and its kin: looked at four times a
 * second, followed, and answered with a sentence of what it means here. Redis itself refuses
 * attempts while the campaign does not run, so nothing is dialled in the moment before we look. */
#include "dialer/internal.h"

#include <limits.h>
#include <stdio.h>
#include <stdlib.h>

#include "base/log.h"

#define LOOK_EVERY_MS 250
#define REFUSED_MS    200 /* the limits of all engines: no further try before */
#define START_WAIT_MS 15000
#define TURN_US       5000

const char *control_sentence(const struct queue_control *c, char text[CONTROL_TEXT_MAX])
{
    char since[32];

    text[0] = '\0';
    if (c->state == CONTROL_RUNNING)
        return text;
    clock_format_utc(c->since_wall_ms, since, sizeof(since));
    snprintf(text, CONTROL_TEXT_MAX, "%s since %s by %s%s%s", control_state_name(c->state), since,
             c->who[0] ? c->who : "somebody", c->why[0] ? ": " : "", c->why);
    return text;
}

static enum campaign_phase phase(const struct dialer *d)
{
    return campaign_phase(d->campaign, clock_wall_ms(d->loop->clock));
}

bool control_at_limit(const struct dialer *d)
{
    return loop_now_ms(d->loop) < d->control.refused_until_ms;
}

bool control_holds(const struct dialer *d)
{
    return control_at_limit(d) || d->control.now.state != CONTROL_RUNNING ||
           phase(d) != CAMPAIGN_OPEN;
}

const char *control_why(const struct dialer *d, char text[CONTROL_TEXT_MAX])
{
    char dates[96];

    if (!control_sentence(&d->control.now, text)[0])
        snprintf(text, CONTROL_TEXT_MAX, "%s",
                 campaign_phase_text(d->campaign, clock_wall_ms(d->loop->clock), dates));
    return text;
}

void control_refused(struct dialer *d)
{
    d->control.refused_until_ms = loop_now_ms(d->loop) + REFUSED_MS;
    d->control.asked_ms = 0; /* is it the state? */
}

void control_tell(struct dialer *d, bool followed, const char *sentence)
{
    char text[CONTROL_TOLD_MAX + 1];

    snprintf(text, sizeof(text), "%s", sentence);
    for (char *p = text; *p; p++)
        if ((unsigned char)*p < 0x20)
            *p = ' ';
    if (queue_control_tell(d->queue, d->control.now.version, followed, slice_cstr(text), NULL,
                           NULL) != OK)
        log_warn("dialer", "what came of an order could not be told", "version=%llu",
                 (unsigned long long)d->control.now.version);
}

/* What the state asks of this engine, and the sentence that answers it. */
static void follow_state(struct dialer *d, enum control_state was)
{
    const struct queue_control *c = &d->control.now;
    char text[CONTROL_TEXT_MAX];

    switch (c->state) {
    case CONTROL_RUNNING:
        snprintf(text, sizeof(text), "%s",
                 d->stage == DIALER_RUNNING ? "dials"
                                            : "is ending; start it again when it is gone");
        break;
    case CONTROL_PAUSED:
        if (d->stage == DIALER_RUNNING) {
            feed_release_stock(d);
            preview_stop(d);
        }
        snprintf(text, sizeof(text), "no new calls; %u go on", d->in_air);
        break;
    case CONTROL_DRAINING:
        dialer_begin_stopping(d, false);
        snprintf(text, sizeof(text), "no new calls; ends when %u are over", d->in_air);
        break;
    case CONTROL_STOPPED:
        dialer_begin_stopping(d, c->at_once || d->campaign->drain == DRAIN_HANGUP);
        snprintf(text, sizeof(text), "no new calls; ends when %u are over%s", d->in_air,
                 c->at_once || d->campaign->drain == DRAIN_HANGUP ? ", which are hung up now" : "");
        break;
    }
    if (c->state != was)
        log_info("dialer", "the campaign's state has changed", "state=%s who=\"%s\" why=\"%s\"",
                 control_state_name(c->state), c->who, c->why);
    control_tell(d, true, text);
}

static void on_control(void *arg, enum err e, const struct queue_control *c)
{
    struct dialer *d = arg;
    struct queue_control was = d->control.now;

    d->control.asking = false;
    if (e != OK)
        return;
    bool first = !d->control.known;

    d->control.now = *c;
    d->control.known = true;
    if (first || c->version == was.version)
        return;
    if (c->state != was.state || c->at_once != was.at_once)
        follow_state(d, was.state);
    if (c->reloads != was.reloads)
        dialer_reload(d);
}

/* After its last day it drains, as if it had been ordered. */
static void keep_dates(struct dialer *d)
{
    char text[96];

    if (d->stage != DIALER_RUNNING || phase(d) != CAMPAIGN_OVER)
        return;
    log_info("dialer", "the campaign drains", "why=\"%s\"",
             campaign_phase_text(d->campaign, clock_wall_ms(d->loop->clock), text));
    dialer_begin_stopping(d, false);
}

void control_look(struct dialer *d)
{
    uint64_t now = loop_now_ms(d->loop);

    keep_dates(d);

    if (d->control.asking || !queue_up(d->queue) || d->stage > DIALER_STOPPING ||
        now < d->control.asked_ms + LOOK_EVERY_MS)
        return;
    d->control.asked_ms = now;
    d->control.asking = queue_control_look(d->queue, on_control, d) == OK;
}

void control_trouble(struct dialer *d)
{
    char text[sizeof(d->control.trouble)];

    trunks_trouble(d, text, sizeof(text));
    if (strcmp(text, d->control.trouble) != 0 && queue_up(d->queue) &&
        d->stage <= DIALER_STOPPING &&
        queue_control_trouble(d->queue, slice_cstr(text), NULL, NULL) == OK)
        memcpy(d->control.trouble, text, sizeof(text));
}

static void tell_file(struct dialer *d)
{
    char path[PATH_MAX];

    if (realpath(d->campaign->path, path) && strlen(path) <= CONTROL_FILE_MAX)
        queue_control_file(d->queue, slice_cstr(path), NULL, NULL);
}

enum err control_start(struct dialer *d, char *error)
{
    uint64_t until = clock_ms(d->loop->clock) + START_WAIT_MS;
    char text[CONTROL_TEXT_MAX];

    do {
        control_look(d);
        loop_turn(d->loop, TURN_US);
        if (atomic_load(&d->stop_asked))
            return ERR_CANCELLED;
    } while (!d->control.known && clock_ms(d->loop->clock) < until);
    if (!d->control.known) {
        snprintf(error, DIALER_ERROR_MAX, "the campaign's state cannot be read: %s",
                 queue_error(d->queue));
        return ERR_TIMEOUT;
    }
    if (d->control.now.state == CONTROL_DRAINING || d->control.now.state == CONTROL_STOPPED) {
        snprintf(error, DIALER_ERROR_MAX, "the campaign is %s; peal resume lets it run again",
                 control_sentence(&d->control.now, text));
        return ERR_REFUSED;
    }
    tell_file(d);
    return OK;
}
