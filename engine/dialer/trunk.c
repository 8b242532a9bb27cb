/* Trunks: which one carries the next call, how many each may carry and how fast, whose number is
 * shown. A trunk that does not answer is left alone for a growing while and tried again; one that
 * must register is used while it is registered. Each of these is said once, with the reason. */
#include "dialer/internal.h"

#include <stdio.h>

#include "base/log.h"
#include "sip/register.h"
#include "sip/ua.h"

#define REST_MIN_MS        1000
#define REST_MAX_MS        60000
#define FAILURES_SHIFT_MAX 6
#define BURST_SECONDS      0.25 /* of calls_per_second, at least one call */

static void on_registration(void *arg, const struct sip_registration_status *s)
{
    struct trunk *t = arg;
    const char *name = t->config->name;

    switch (s->state) {
    case SIP_REG_REGISTERED:
        if (!t->usable)
            log_info("dialer", "trunk is registered", "trunk=%s expires_s=%u", name, s->expires_s);
        t->usable = true;
        break;
    case SIP_REG_FAILED:
        if (s->attempts == 1)
            log_warn("dialer", "trunk refuses registration; its leads wait, it is tried again",
                     "trunk=%s code=%u retry_ms=%u", name, s->code, s->retry_ms);
        t->usable = false;
        break;
    case SIP_REG_GONE:
        t->registration = NULL;
        break;
    case SIP_REG_TRYING:
        break;
    }
}

static enum err register_trunk(struct dialer *d, struct trunk *t)
{
    const struct campaign_trunk *k = t->config;
    char host[ADDR_TEXT_MAX], registrar[96], aor[192];
    struct sip_register params = {
        .registrar = registrar,
        .to = {.addr = k->address, .tcp = k->tcp || k->tls, .tls = k->tls, .home = k->place},
        .aor = aor,
        .keep_alive_ms = k->keep_alive_ms,
        .contact_user = k->user,
        .auth_user = k->user,
        .auth_password = k->password,
    };

    addr_format(&k->address, host, sizeof(host));
    snprintf(registrar, sizeof(registrar), "sip:%s", host);
    snprintf(aor, sizeof(aor), "sip:%s@%s", k->user, host);
    return sip_register_start(call_env_ua(d->env), &params, on_registration, t, &t->registration);
}

enum err trunks_open(struct dialer *d)
{
    for (uint32_t i = 0; i < d->campaign->trunk_count; i++) {
        struct trunk *t = &d->trunks[i];
        enum err named = OK;

        t->config = &d->campaign->trunks[i];
        if (t->config->tls_name[0] && !d->config.model)
            named = sip_ua_tls_name(call_env_ua(d->env), &t->config->address, t->config->tls_name);
        if (named != OK)
            return named;
        t->dialer = d;
        t->usable = !t->config->registers || d->config.model;
        t->refilled_ms = loop_now_ms(d->loop);
        t->tokens = 1;
        if (!t->usable) {
            enum err e = register_trunk(d, t);

            if (e != OK)
                return e;
        }
    }
    return OK;
}

void trunks_leave(struct dialer *d)
{
    for (uint32_t i = 0; i < d->campaign->trunk_count; i++) {
        d->trunks[i].usable = false;
        if (d->trunks[i].registration)
            sip_register_stop(d->trunks[i].registration);
    }
}

bool trunks_left(const struct dialer *d)
{
    for (uint32_t i = 0; i < d->campaign->trunk_count; i++)
        if (d->trunks[i].registration)
            return false;
    return true;
}

static void refill(struct trunk *t, uint64_t now_ms)
{
    double rate = t->config->calls_per_second;
    double most = rate * BURST_SECONDS > 1 ? rate * BURST_SECONDS : 1;

    t->tokens += rate * (double)(now_ms - t->refilled_ms) / 1000.0;
    if (t->tokens > most)
        t->tokens = most;
    t->refilled_ms = now_ms;
}

static uint32_t room_of(struct trunk *t, uint64_t now_ms)
{
    uint32_t room;

    if (!t->usable || now_ms < t->rest_until_ms || t->calls >= t->config->max_calls)
        return 0;
    if (t->failures)
        return t->calls == 0; /* one call finds out whether it is back */
    room = t->config->max_calls - t->calls;
    if (t->config->calls_per_second > 0) {
        refill(t, now_ms);
        if (t->tokens < room)
            room = (uint32_t)t->tokens;
    }
    return room;
}

uint32_t trunks_room(struct dialer *d)
{
    uint64_t now = loop_now_ms(d->loop);
    uint32_t room = 0;

    for (uint32_t i = 0; i < d->campaign->trunk_count; i++)
        room += room_of(&d->trunks[i], now);
    return room;
}

void trunks_trouble(struct dialer *d, char *text, size_t cap)
{
    size_t len = 0;

    text[0] = '\0';
    for (uint32_t i = 0; i < d->campaign->trunk_count && len < cap; i++) {
        const struct trunk *t = &d->trunks[i];
        const char *why = t->usable ? "does not answer" : "is not registered";

        if (!t->usable || t->failures)
            len += (size_t)snprintf(text + len, cap - len, "%strunk %s %s", len ? "; " : "",
                                    t->config->name, why);
    }
}

struct trunk *trunk_choose(struct dialer *d, uint32_t avoid)
{
    uint64_t now = loop_now_ms(d->loop);
    struct trunk *best = NULL;
    uint32_t best_room = 0;

    for (uint32_t i = 0; i < d->campaign->trunk_count; i++) {
        uint32_t room = room_of(&d->trunks[i], now);

        if (room > best_room && i != avoid) {
            best = &d->trunks[i];
            best_room = room;
        }
    }
    if (!best && avoid < d->campaign->trunk_count && room_of(&d->trunks[avoid], now) > 0)
        best = &d->trunks[avoid];
    return best;
}

const char *trunk_caller_id(struct trunk *t, const char *avoid)
{
    uint32_t count = t->config->caller_id_count;

    for (uint32_t i = 0; i < count; i++) {
        const char *id = t->config->caller_ids[t->next_caller_id++ % count];

        if (strcmp(id, avoid) != 0)
            return id;
    }
    return count ? t->config->caller_ids[0] : NULL; /* there is no other */
}

void trunk_take(struct trunk *t)
{
    t->calls++;
    if (t->config->calls_per_second > 0)
        t->tokens -= 1;
}

void trunk_silent(struct trunk *t)
{
    char text[ADDR_TEXT_MAX];
    uint64_t now = loop_now_ms(t->dialer->loop), rest;

    if (now < t->rest_until_ms)
        return; /* launched before the first failure was known */
    if (t->failures++ == 0)
        log_warn("dialer", "trunk does not answer; its leads wait, it is tried again",
                 "trunk=%s address=%s", t->config->name,
                 addr_format(&t->config->address, text, sizeof(text)));
    rest = (uint64_t)REST_MIN_MS << (t->failures < FAILURES_SHIFT_MAX ? t->failures
                                                                      : FAILURES_SHIFT_MAX);
    t->rest_until_ms = now + (rest < REST_MAX_MS ? rest : REST_MAX_MS);
}

void trunk_spoke(struct trunk *t)
{
    if (t->failures)
        log_warn("dialer", "trunk answers again", "trunk=%s", t->config->name);
    t->failures = 0;
    t->rest_until_ms = 0;
}

void trunk_put(struct trunk *t)
{
    t->calls--;
}
